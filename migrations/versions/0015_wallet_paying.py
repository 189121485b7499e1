"""Paying at tills and by scanned codes: payment requests, orders of sources, reversals."""

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    pass
