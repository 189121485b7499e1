"""The ledger for many currencies and rushes: shards, lots, holds, limits, and what seals need."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    pass
