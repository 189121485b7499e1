"""Signing in with a browser: authorize, consent, logout."""
