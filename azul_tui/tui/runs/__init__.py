"""The place Runs: the table, the curves of the marked ones, what may be done to a run."""
