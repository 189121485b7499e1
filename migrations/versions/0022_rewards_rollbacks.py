"""Rollbacks: what went back of a checkout's lines and of single redemptions, and by which deed; and tills' signatures.

A line that something goes back of gets a row that says how much, and so does each voucher's part of it: the CHECKs hold
that no line, and no voucher's part of one, ever gives back more than it was. A rollback is written once under its
caller's key, so that the same one again gets the same answer for ever. A signature is kept with what it signs, so that
it can be shown later that this terminal asked for this deed.
"""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(ROLLBACKS)
    op.execute(LINES)
    op.execute(SIGNATURES)


ROLLBACKS = """
-- amount_minor: what went back of the basket, or of a redemption by itself
CREATE TABLE rewards.rollback (
    id uuid CONSTRAINT pk_rollback PRIMARY KEY,
    checkout_id uuid CONSTRAINT fk_rollback_checkout_id REFERENCES rewards.checkout (id),
    redemption_id uuid CONSTRAINT fk_rollback_redemption_id REFERENCES rewards.redemption (id),
    kind text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    lines jsonb NOT NULL DEFAULT '[]',
    redemptions jsonb NOT NULL DEFAULT '[]',
    reason text,
    transfer_id uuid,
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    store_id uuid NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT uq_rollback_principal_key UNIQUE (principal, key),
    CONSTRAINT ck_rollback_kind CHECK (kind IN ('rollback', 'void', 'reversal', 'refund')),
    CONSTRAINT ck_rollback_subject CHECK (num_nonnulls(checkout_id, redemption_id) = 1),
    CONSTRAINT ck_rollback_amount CHECK (amount_minor >= 0)
);
CREATE INDEX ix_rollback_checkout_id ON rewards.rollback (checkout_id) WHERE checkout_id IS NOT NULL;
CREATE INDEX ix_rollback_redemption_id ON rewards.rollback (redemption_id) WHERE redemption_id IS NOT NULL;
CREATE INDEX ix_rollback_store_id_made_at ON rewards.rollback (store_id, made_at);
"""

LINES = """
CREATE TABLE rewards.checkout_line_back (
    checkout_id uuid NOT NULL CONSTRAINT fk_checkout_line_back_checkout_id REFERENCES rewards.checkout (id),
    position int NOT NULL,
    amount_minor bigint NOT NULL,
    quantity numeric NOT NULL,
    back_minor bigint NOT NULL,
    back_quantity numeric NOT NULL,
    CONSTRAINT pk_checkout_line_back PRIMARY KEY (checkout_id, position),
    CONSTRAINT ck_checkout_line_back_back CHECK (back_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT ck_checkout_line_back_quantity CHECK (back_quantity BETWEEN 0 AND quantity)
);

CREATE TABLE rewards.redemption_line_back (
    redemption_id uuid NOT NULL CONSTRAINT fk_redemption_line_back_redemption_id REFERENCES rewards.redemption (id),
    position int NOT NULL,
    amount_minor bigint NOT NULL,
    back_minor bigint NOT NULL,
    CONSTRAINT pk_redemption_line_back PRIMARY KEY (redemption_id, position),
    CONSTRAINT ck_redemption_line_back_back CHECK (back_minor BETWEEN 0 AND amount_minor)
);
"""

SIGNATURES = """
CREATE TABLE rewards.terminal_signature (
    id uuid CONSTRAINT pk_terminal_signature PRIMARY KEY,
    terminal_id uuid NOT NULL,
    request_key text NOT NULL,
    signed_text text NOT NULL,
    signature bytea NOT NULL,
    key_fingerprint bytea NOT NULL,
    verified_at timestamptz NOT NULL
);
CREATE INDEX ix_terminal_signature_terminal_id_request_key ON rewards.terminal_signature (terminal_id, request_key);
"""
