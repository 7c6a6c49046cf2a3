"""The engine process, as the dashboard talks with it."""
