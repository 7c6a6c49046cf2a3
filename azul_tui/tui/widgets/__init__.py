"""Widgets that the library lacks, and the frame around every place."""
