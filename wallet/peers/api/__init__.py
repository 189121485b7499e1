"""Money from person to person at each door."""
