"""The screen of recorded games: listed, replayed, reviewed."""
