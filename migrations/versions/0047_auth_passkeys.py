"""Passkeys, and approvals of payments."""

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    pass
