"""Nothing yet."""

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    pass
