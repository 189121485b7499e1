"""Delivery on the wire: providers' call-backs, and what staff see of messages."""
