"""Seals: the hash chain over the ledger's transfers."""

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    pass
