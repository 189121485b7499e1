"""Exports of what is held on a customer, and erasures, which outlive them: ids and figures, nothing personal."""

from alembic import op

revision = "0050"
down_revision = "0049"

# No foreign key of an erasure leads to the customer: in a restored backup it may come before them.
ERASURES = """
CREATE TABLE auth.erasure (
    id uuid CONSTRAINT pk_erasure PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT uq_erasure_customer_id UNIQUE,
    token bytea NOT NULL CONSTRAINT uq_erasure_token UNIQUE,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    parted jsonb NOT NULL,
    steps jsonb NOT NULL,
    before jsonb,
    receipt text,
    done_at timestamptz,
    state text NOT NULL,
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT ck_erasure_state CHECK (state IN ('erasing', 'erased')),
    CONSTRAINT ck_erasure_done CHECK ((state = 'erased') = (done_at IS NOT NULL AND receipt IS NOT NULL))
);
CREATE INDEX ix_erasure_due_at ON auth.erasure (due_at) WHERE due_at IS NOT NULL;
"""

EXPORTS = """
CREATE TABLE auth.personal_export (
    id uuid CONSTRAINT pk_personal_export PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT fk_personal_export_customer_id_customer REFERENCES auth.customer,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    parts integer,
    state text NOT NULL,
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT ck_personal_export_state CHECK (state IN ('waiting', 'gathering', 'ready')),
    CONSTRAINT ck_personal_export_parts CHECK ((state = 'ready') = (parts IS NOT NULL))
);
CREATE INDEX ix_personal_export_customer_id ON auth.personal_export (customer_id);
CREATE INDEX ix_personal_export_due_at ON auth.personal_export (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ix_personal_export_expires_at ON auth.personal_export (expires_at);
CREATE TABLE auth.personal_export_part (
    export_id uuid NOT NULL CONSTRAINT fk_personal_export_part_export_id_personal_export
        REFERENCES auth.personal_export ON DELETE CASCADE,
    number integer NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT pk_personal_export_part PRIMARY KEY (export_id, number)
);
"""

# Wrapping data keys anew asks for those of an old version, again and again until there are none.
KEYS = "CREATE INDEX ix_data_key_kek_version ON core.data_key (kek_version)"

# Whoever has had something sent to their number may be erased, and the number with them.
NUMBERS = """
ALTER TABLE wallet.sending DROP CONSTRAINT ck_sending_phone,
    ADD CONSTRAINT ck_sending_phone CHECK (phone IS NULL OR way = 'phone');
ALTER TABLE wallet.money_request DROP CONSTRAINT ck_money_request_phone,
    ADD CONSTRAINT ck_money_request_phone CHECK (phone IS NULL OR way = 'phone');
ALTER TABLE rewards.gift DROP CONSTRAINT ck_gift_way, ADD CONSTRAINT ck_gift_way CHECK (phone IS NULL OR link IS NULL);
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute(ERASURES)
    op.execute(EXPORTS)
    op.execute(KEYS)
    op.execute(NUMBERS)
