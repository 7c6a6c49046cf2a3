"""Charts as pure functions: series, view and size in, lines of styled text out."""
