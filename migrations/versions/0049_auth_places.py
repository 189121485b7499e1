"""Organisations, enrolling tills, device grants."""

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    pass
