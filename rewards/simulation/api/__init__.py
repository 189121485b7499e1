"""Simulations on the wire."""
