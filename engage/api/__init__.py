"""Engage over HTTP."""
