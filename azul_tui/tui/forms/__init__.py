"""Forms of settings, and the line in which a value is typed."""
