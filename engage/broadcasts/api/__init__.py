"""Broadcasts on the wire: the staff door."""
