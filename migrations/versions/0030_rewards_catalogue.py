"""Who changed the catalogue last, and the budget that a simulation is played with.

A transaction that has changed campaigns itself may yet be undone: what it sees must not be kept for others. It knows
itself by its id, which the catalogue's row holds from its change on.
"""

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute("ALTER TABLE rewards.catalogue ADD COLUMN changed_by xid8")
    op.execute(BUDGETS)


# budget_minor: null: without a bound
BUDGETS = """
ALTER TABLE rewards.simulation
    ADD COLUMN budget_minor bigint,
    ADD CONSTRAINT ck_simulation_budget CHECK (budget_minor > 0);
"""
