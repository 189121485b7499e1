"""Finance: provider reports, safeguarding reconciliations, merchant settlements, batches of transfers."""

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    pass
