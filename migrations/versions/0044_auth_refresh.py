"""Refresh tokens stand on their family's own row."""

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    pass
