"""The doors of gifts."""
