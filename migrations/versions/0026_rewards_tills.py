"""Visits, reservations, and a rest that the till collects itself."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(AT_TILL)
    op.execute(VISITS)


AT_TILL = """
-- at_till_minor: what the till collected itself of a basket, and what it gave back itself of that
ALTER TABLE rewards.checkout
    ADD COLUMN at_till_minor bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT ck_checkout_parts,
    ADD CONSTRAINT ck_checkout_parts CHECK (
        total_minor = discount_minor + gift_minor + paid_minor + at_till_minor
        AND discount_minor >= 0 AND gift_minor >= 0 AND paid_minor >= 0 AND at_till_minor >= 0);
ALTER TABLE rewards.rollback
    ADD COLUMN at_till_minor bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT ck_rollback_amount,
    ADD CONSTRAINT ck_rollback_amount CHECK (amount_minor >= 0 AND at_till_minor BETWEEN 0 AND amount_minor);
"""

VISITS = """
CREATE TABLE rewards.visit (
    id uuid CONSTRAINT pk_visit PRIMARY KEY,
    customer_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    opened_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text,
    CONSTRAINT ck_visit_ended_by CHECK (ended_by IN ('till', 'checkout')),
    CONSTRAINT ck_visit_ended CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX ix_visit_expires_at ON rewards.visit (expires_at);
"""
