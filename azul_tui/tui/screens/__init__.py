"""One screen for each place, and those that open over them."""
