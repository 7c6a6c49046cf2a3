"""The terminal dashboard: drawing (pure), widgets, screens and the app."""
