"""Money from person to person: sendings that wait for their receiver, and requests."""

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    pass
