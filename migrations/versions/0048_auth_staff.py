"""How staff join and sign in; the audit log's chain."""

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    pass
