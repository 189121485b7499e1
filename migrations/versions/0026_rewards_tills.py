"""Visits, reservations, and a rest that the till collects itself."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(AT_TILL)
    op.execute(VISITS)
    op.execute(RESERVATIONS)


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

# What is reserved is counted where uses are: so `rewards.redeem` sees it, and is no slower for it.
RESERVATIONS = """
CREATE TABLE rewards.reservation (
    id uuid CONSTRAINT pk_reservation PRIMARY KEY,
    customer_id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    till_reference text NOT NULL,
    fingerprint bytea NOT NULL,
    visit_id uuid,
    total_minor bigint NOT NULL,
    discount_minor bigint NOT NULL,
    gift_minor bigint NOT NULL,
    currency text NOT NULL,
    lines jsonb NOT NULL,
    left_out jsonb,
    hold_id uuid,
    state text NOT NULL,
    reserved_at timestamptz NOT NULL,
    reserved_until timestamptz NOT NULL,
    ended_at timestamptz,
    checkout_id uuid CONSTRAINT fk_reservation_checkout_id REFERENCES rewards.checkout (id),
    CONSTRAINT uq_reservation_terminal_id_till_reference UNIQUE (terminal_id, till_reference),
    CONSTRAINT ck_reservation_state CHECK (state IN ('open', 'taken', 'released', 'expired', 'reversed')),
    CONSTRAINT ck_reservation_ended CHECK ((state = 'open') = (ended_at IS NULL)),
    CONSTRAINT ck_reservation_taken CHECK ((state = 'taken') = (checkout_id IS NOT NULL)),
    CONSTRAINT ck_reservation_parts CHECK (
        discount_minor >= 0 AND gift_minor >= 0 AND discount_minor + gift_minor <= total_minor)
);
CREATE INDEX ix_reservation_open ON rewards.reservation (reserved_until) WHERE state = 'open';

-- lines, counted: of the redemption that it becomes
CREATE TABLE rewards.reserved_use (
    reservation_id uuid NOT NULL CONSTRAINT fk_reserved_use_reservation_id REFERENCES rewards.reservation (id),
    place smallint NOT NULL,
    voucher_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    customer_id uuid,
    kind text NOT NULL,
    amount_minor bigint NOT NULL,
    lines jsonb NOT NULL,
    counted jsonb NOT NULL,
    CONSTRAINT pk_reserved_use PRIMARY KEY (reservation_id, place),
    CONSTRAINT ck_reserved_use_amount CHECK (amount_minor >= 0)
);
CREATE INDEX ix_reserved_use_voucher_id ON rewards.reserved_use (voucher_id);
"""
