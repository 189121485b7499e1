"""Signing in with a browser."""

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    pass
