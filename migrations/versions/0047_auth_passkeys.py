"""Passkeys, and approvals of payments."""

from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(PASSKEYS)
    op.execute(STEP_UPS)


PASSKEYS = """
CREATE TABLE auth.passkey (
    id uuid CONSTRAINT pk_passkey PRIMARY KEY,
    customer_id uuid CONSTRAINT fk_passkey_customer_id_customer REFERENCES auth.customer,
    staff_id uuid CONSTRAINT fk_passkey_staff_id_staff REFERENCES auth.staff,
    credential_id bytea NOT NULL CONSTRAINT uq_passkey_credential_id UNIQUE,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL CONSTRAINT ck_passkey_sign_count CHECK (sign_count >= 0),
    aaguid uuid NOT NULL,
    transports text[] NOT NULL,
    is_backed_up boolean NOT NULL,
    name bytea,
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    approves_from timestamptz NOT NULL,
    CONSTRAINT ck_passkey_owner CHECK ((customer_id IS NULL) <> (staff_id IS NULL))
);
CREATE INDEX ix_passkey_customer_id ON auth.passkey (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX ix_passkey_staff_id ON auth.passkey (staff_id) WHERE staff_id IS NOT NULL;
CREATE TABLE auth.passkey_ceremony (
    id uuid CONSTRAINT pk_passkey_ceremony PRIMARY KEY,
    purpose text NOT NULL CONSTRAINT ck_passkey_ceremony_purpose CHECK (purpose IN ('register', 'web', 'staff')),
    challenge bytea NOT NULL CONSTRAINT uq_passkey_ceremony_challenge UNIQUE,
    customer_id uuid,
    staff_id uuid,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT ck_passkey_ceremony_owner CHECK (customer_id IS NULL OR staff_id IS NULL)
);
CREATE INDEX ix_passkey_ceremony_expires_at ON auth.passkey_ceremony (expires_at);
"""

STEP_UPS = """
CREATE TABLE auth.step_up (
    id uuid CONSTRAINT pk_step_up PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT fk_step_up_customer_id_customer REFERENCES auth.customer,
    family_id uuid,
    payment_id uuid NOT NULL CONSTRAINT uq_step_up_payment_id UNIQUE,
    purpose text NOT NULL CONSTRAINT ck_step_up_purpose
        CHECK (purpose IN ('payment', 'sending', 'gift_card', 'money_request')),
    amount_minor bigint NOT NULL CONSTRAINT ck_step_up_amount CHECK (amount_minor > 0),
    currency text NOT NULL,
    payee text NOT NULL,
    nonce bytea NOT NULL,
    status text NOT NULL CONSTRAINT ck_step_up_status CHECK (status IN ('waiting', 'approved', 'used', 'void')),
    tries smallint NOT NULL DEFAULT 0 CONSTRAINT ck_step_up_tries CHECK (tries BETWEEN 0 AND 5),
    passkey_id uuid,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    approved_at timestamptz,
    used_at timestamptz,
    CONSTRAINT ck_step_up_used CHECK ((status = 'used') = (used_at IS NOT NULL)),
    CONSTRAINT ck_step_up_approved CHECK (status NOT IN ('approved', 'used') OR approved_at IS NOT NULL)
);
CREATE INDEX ix_step_up_expires_at ON auth.step_up (expires_at);
CREATE INDEX ix_step_up_customer_id ON auth.step_up (customer_id);
"""
