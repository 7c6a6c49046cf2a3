"""What a person starts, from the menu or with `--run`: one module a job, one light registry.

A job module has one public function, `run(context: JobContext) -> dict`; what it returns
becomes the `result` record. `registry`, `context` and `reporter` import nothing heavy.
"""
