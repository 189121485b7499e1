"""Rules at the doors."""
