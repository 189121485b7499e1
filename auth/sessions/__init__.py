"""Sessions: what one sign-in began, and everything that hangs from it."""
