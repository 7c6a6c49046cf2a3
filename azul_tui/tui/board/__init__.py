"""Azul boards as pictures: factories, centre, pattern lines, walls and floors."""
