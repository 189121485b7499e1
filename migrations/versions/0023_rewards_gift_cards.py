"""Gift cards that are given, merged and refunded."""

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    pass
