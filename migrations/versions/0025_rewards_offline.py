"""Offline tokens: vouchers that tills take while nobody can be asked, and what becomes of them when they are told.

A customer's phone keeps one key; a token names it, so that only this phone can show the token. A terminal's allowance
is how much of what it takes so the brand answers for, by day; nothing unless staff allow it. Each record that a till
syncs leaves a row, whatever it came to, with what was scanned as its evidence.
"""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(TOKENS)
    op.execute(ALLOWANCES)
    op.execute(REDEMPTIONS)


TOKENS = """
CREATE TABLE rewards.offline_key (
    customer_id uuid CONSTRAINT pk_offline_key PRIMARY KEY,
    public_key text NOT NULL,
    fingerprint bytea NOT NULL,
    registered_at timestamptz NOT NULL
);

CREATE TABLE rewards.offline_token (
    id uuid CONSTRAINT pk_offline_token PRIMARY KEY,
    voucher_id uuid NOT NULL CONSTRAINT fk_offline_token_voucher_id REFERENCES rewards.voucher (id),
    customer_id uuid NOT NULL,
    key_fingerprint bytea NOT NULL,
    claims jsonb NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT ck_offline_token_life CHECK (issued_at < expires_at)
);
CREATE INDEX ix_offline_token_voucher_id_expires_at ON rewards.offline_token (voucher_id, expires_at);
"""

ALLOWANCES = """
CREATE TABLE rewards.offline_allowance (
    terminal_id uuid NOT NULL CONSTRAINT fk_offline_allowance_terminal_id REFERENCES auth.terminal (id),
    currency text NOT NULL,
    most_minor bigint NOT NULL,
    most_count int NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    CONSTRAINT pk_offline_allowance PRIMARY KEY (terminal_id, currency, set_at),
    CONSTRAINT ck_offline_allowance_most CHECK (most_minor >= 0 AND most_count >= 0)
);

CREATE TABLE rewards.offline_day (
    terminal_id uuid NOT NULL,
    currency text NOT NULL,
    day date NOT NULL,
    used_minor bigint NOT NULL,
    used_count int NOT NULL,
    CONSTRAINT pk_offline_day PRIMARY KEY (terminal_id, currency, day),
    CONSTRAINT ck_offline_day_used CHECK (used_minor > 0 AND used_count > 0)
);
"""

REDEMPTIONS = """
CREATE TABLE rewards.offline_redemption (
    id uuid CONSTRAINT pk_offline_redemption PRIMARY KEY,
    merchant_id uuid NOT NULL,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    till_reference text NOT NULL,
    fingerprint bytea NOT NULL,
    scanned text NOT NULL,
    lines jsonb NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    accepted_at timestamptz NOT NULL,
    synced_at timestamptz NOT NULL,
    token_id uuid,
    voucher_id uuid,
    customer_id uuid,
    state text NOT NULL,
    code text,
    cause text,
    borne_by text,
    allowed_on date,
    redeemed_minor bigint NOT NULL,
    lost_minor bigint NOT NULL,
    redemption_id uuid CONSTRAINT fk_offline_redemption_redemption_id REFERENCES rewards.redemption (id),
    loss_id uuid,
    reversed_at timestamptz,
    CONSTRAINT uq_offline_redemption_terminal_id_till_reference UNIQUE (terminal_id, till_reference),
    CONSTRAINT ck_offline_redemption_state CHECK (state IN ('succeeded', 'conflict', 'reversed')),
    CONSTRAINT ck_offline_redemption_amounts
        CHECK (redeemed_minor >= 0 AND lost_minor >= 0 AND redeemed_minor + lost_minor <= amount_minor),
    CONSTRAINT ck_offline_redemption_paid
        CHECK ((redemption_id IS NULL) = (redeemed_minor = 0) AND (loss_id IS NULL) = (lost_minor = 0)),
    CONSTRAINT ck_offline_redemption_whole
        CHECK (state <> 'succeeded' OR (redeemed_minor = amount_minor AND code IS NULL)),
    CONSTRAINT ck_offline_redemption_conflict
        CHECK (state <> 'conflict' OR (code IS NOT NULL AND borne_by IS NOT NULL)),
    CONSTRAINT ck_offline_redemption_borne_by CHECK (borne_by IN ('brand', 'merchant')),
    CONSTRAINT ck_offline_redemption_brand CHECK (lost_minor = 0 OR (borne_by = 'brand' AND allowed_on IS NOT NULL))
);
CREATE UNIQUE INDEX uq_offline_redemption_token_id ON rewards.offline_redemption (token_id)
    WHERE redemption_id IS NOT NULL AND state <> 'reversed';
CREATE INDEX ix_offline_redemption_token_id ON rewards.offline_redemption (token_id);
CREATE INDEX ix_offline_redemption_redemption_id ON rewards.offline_redemption (redemption_id);
CREATE INDEX ix_offline_redemption_terminal_id_id ON rewards.offline_redemption (terminal_id, id);
CREATE INDEX ix_offline_redemption_customer_id_id ON rewards.offline_redemption (customer_id, id);
CREATE INDEX ix_offline_redemption_customer_id_accepted_at ON rewards.offline_redemption (customer_id, accepted_at)
    WHERE borne_by = 'brand';
"""
