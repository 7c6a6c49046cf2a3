"""The place Analyse: a position, its moves, and what a network thinks of them."""
