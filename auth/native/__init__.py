"""Signing in within an app, without a browser."""
