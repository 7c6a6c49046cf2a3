"""Following a run: its records and log as they grow, put in their places."""
