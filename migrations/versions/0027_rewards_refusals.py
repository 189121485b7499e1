"""Refusals kept with their reasons.

What a till is told is a code; why it was, with the values that were and those that were needed, stays here for the
voucher's holder and for staff: the latest of each voucher, 90 days at most. There is no foreign key to the voucher,
as in redemption: each would lock the voucher's row beside those who use it.

A checkout that takes part of what was shown keeps what it left out, so that its answer is the same the second time.
"""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(REFUSAL)
    op.execute("ALTER TABLE rewards.checkout ADD left_out jsonb")


REFUSAL = """
CREATE TABLE rewards.refusal (
    id uuid CONSTRAINT pk_refusal PRIMARY KEY,
    voucher_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    customer_id uuid,
    merchant_id uuid NOT NULL,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    code text NOT NULL,
    total_minor bigint NOT NULL CONSTRAINT ck_refusal_total CHECK (total_minor >= 0),
    currency text NOT NULL,
    reason jsonb NOT NULL,
    refused_at timestamptz NOT NULL
);
CREATE INDEX ix_refusal_voucher_id_id ON rewards.refusal (voucher_id, id);
CREATE INDEX ix_refusal_campaign_id_id ON rewards.refusal (campaign_id, id);
"""
