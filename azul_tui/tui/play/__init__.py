"""The place Play: a game against the machine, from its setup to its last tile."""
