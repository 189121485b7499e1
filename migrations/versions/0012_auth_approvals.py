"""Approvals: what one person asks and a second one decides."""

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    pass
