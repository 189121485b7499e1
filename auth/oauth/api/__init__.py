"""OAuth's routes."""
