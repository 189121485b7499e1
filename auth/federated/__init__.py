"""Signing in with Apple or Google."""
