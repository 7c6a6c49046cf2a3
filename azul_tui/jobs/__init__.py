"""What a person starts, from the menu or with `--run`: chapters of jobs, one light registry.

A job is a function of a `JobContext`; the mapping that it returns becomes the `result` record.
`registry`, `start`, `names` and `reporter` import nothing heavy.
"""
