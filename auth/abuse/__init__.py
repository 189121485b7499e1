"""What keeps codes from being pumped and secrets from being guessed."""
