"""Top-ups at each door."""
