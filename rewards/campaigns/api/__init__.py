"""Campaigns at the staff door."""
