"""Outgoing: whether and how each message that is meant goes out."""
