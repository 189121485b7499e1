"""Offline tokens at the doors."""
