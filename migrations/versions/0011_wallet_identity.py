"""Identity checks, by whose verdict a customer's tier of limits is raised."""

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    pass
