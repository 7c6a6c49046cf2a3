"""What screens show, without a terminal: following a run, listings, charts, words."""
