"""Signing in on what has no keyboard (RFC 8628)."""
