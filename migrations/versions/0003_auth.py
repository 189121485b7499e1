"""The tables of auth: people and places first, then what signing in keeps.

Phone, e-mail, name and push token are ciphertext beside a blind index; codes and tokens are HMACs.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(PEOPLE)
    op.execute(PLACES)
    op.execute(SIGN_IN)
    op.execute("INSERT INTO auth.client (client_id, name) VALUES ('pocketful-app', 'The brand''s own app')")


PEOPLE = """
CREATE TABLE auth.customer (
    id uuid CONSTRAINT pk_customer PRIMARY KEY,
    phone bytea,
    phone_index bytea CONSTRAINT uq_customer_phone_index UNIQUE,
    locale text,
    time_zone text,
    status text NOT NULL DEFAULT 'active' CONSTRAINT ck_customer_status CHECK (status IN ('active', 'suspended')),
    created_at timestamptz NOT NULL
);

CREATE TABLE auth.device (
    id uuid CONSTRAINT pk_device PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT fk_device_customer_id REFERENCES auth.customer,
    device_id text NOT NULL,
    platform text NOT NULL CONSTRAINT ck_device_platform CHECK (platform IN ('ios', 'android')),
    push_token bytea,
    push_token_index bytea CONSTRAINT uq_device_push_token_index UNIQUE,
    app_version text,
    locale text,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT uq_device_customer_id_device_id UNIQUE (customer_id, device_id),
    CONSTRAINT ck_device_push_token CHECK ((push_token IS NULL) = (push_token_index IS NULL))
);

CREATE TABLE auth.customer_code (
    customer_id uuid CONSTRAINT pk_customer_code PRIMARY KEY
        CONSTRAINT fk_customer_code_customer_id REFERENCES auth.customer,
    reference text NOT NULL CONSTRAINT uq_customer_code_reference UNIQUE,
    secret bytea NOT NULL,
    burnt_step bigint NOT NULL DEFAULT 0
);

CREATE TABLE auth.staff (
    id uuid CONSTRAINT pk_staff PRIMARY KEY,
    email bytea NOT NULL,
    email_index bytea NOT NULL CONSTRAINT uq_staff_email_index UNIQUE,
    name bytea NOT NULL,
    permissions text[] NOT NULL,
    status text NOT NULL DEFAULT 'active' CONSTRAINT ck_staff_status CHECK (status IN ('active', 'suspended')),
    created_at timestamptz NOT NULL
);
"""

PLACES = """
CREATE TABLE auth.merchant (
    id uuid CONSTRAINT pk_merchant PRIMARY KEY,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'active' CONSTRAINT ck_merchant_status CHECK (status IN ('active', 'suspended')),
    created_at timestamptz NOT NULL
);

CREATE TABLE auth.store (
    id uuid CONSTRAINT pk_store PRIMARY KEY,
    merchant_id uuid NOT NULL CONSTRAINT fk_store_merchant_id REFERENCES auth.merchant,
    name text NOT NULL,
    reference text,
    time_zone text,
    status text NOT NULL DEFAULT 'active' CONSTRAINT ck_store_status CHECK (status IN ('active', 'suspended')),
    created_at timestamptz NOT NULL,
    CONSTRAINT uq_store_merchant_id_reference UNIQUE (merchant_id, reference)
);

CREATE TABLE auth.terminal (
    id uuid CONSTRAINT pk_terminal PRIMARY KEY,
    store_id uuid NOT NULL CONSTRAINT fk_terminal_store_id REFERENCES auth.store,
    name text NOT NULL,
    public_key text NOT NULL,
    key_fingerprint bytea NOT NULL CONSTRAINT uq_terminal_key_fingerprint UNIQUE,
    status text NOT NULL DEFAULT 'active' CONSTRAINT ck_terminal_status CHECK (status IN ('active', 'suspended')),
    created_at timestamptz NOT NULL
);
CREATE INDEX ix_terminal_store_id ON auth.terminal (store_id);
"""

SIGN_IN = """
CREATE TABLE auth.client (
    client_id text CONSTRAINT pk_client PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE auth.sign_in (
    id uuid CONSTRAINT pk_sign_in PRIMARY KEY,
    handle bytea NOT NULL CONSTRAINT uq_sign_in_handle UNIQUE,
    client_id text NOT NULL CONSTRAINT fk_sign_in_client_id REFERENCES auth.client,
    phone bytea NOT NULL,
    locale text,
    code_challenge text NOT NULL,
    otp bytea NOT NULL,
    tries smallint NOT NULL DEFAULT 0 CONSTRAINT ck_sign_in_tries CHECK (tries BETWEEN 0 AND 5),
    state text NOT NULL DEFAULT 'waiting'
        CONSTRAINT ck_sign_in_state CHECK (state IN ('waiting', 'proved', 'failed')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_sign_in_created_at ON auth.sign_in (created_at);

CREATE TABLE auth.token_family (
    id uuid CONSTRAINT pk_token_family PRIMARY KEY,
    client_id text NOT NULL CONSTRAINT fk_token_family_client_id REFERENCES auth.client,
    customer_id uuid NOT NULL CONSTRAINT fk_token_family_customer_id REFERENCES auth.customer,
    generation int NOT NULL DEFAULT 0,
    rotated_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_because text,
    CONSTRAINT ck_token_family_revoked CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
);
CREATE INDEX ix_token_family_customer_id ON auth.token_family (customer_id);

CREATE TABLE auth.refresh_token (
    token bytea CONSTRAINT pk_refresh_token PRIMARY KEY,
    family_id uuid NOT NULL
        CONSTRAINT fk_refresh_token_family_id REFERENCES auth.token_family ON DELETE CASCADE,
    generation int NOT NULL,
    CONSTRAINT uq_refresh_token_family_id_generation UNIQUE (family_id, generation)
);

CREATE TABLE auth.authorization_code (
    code bytea CONSTRAINT pk_authorization_code PRIMARY KEY,
    client_id text NOT NULL CONSTRAINT fk_authorization_code_client_id REFERENCES auth.client,
    customer_id uuid NOT NULL CONSTRAINT fk_authorization_code_customer_id REFERENCES auth.customer,
    code_challenge text NOT NULL,
    expires_at timestamptz NOT NULL,
    redeemed_at timestamptz,
    family_id uuid CONSTRAINT fk_authorization_code_family_id REFERENCES auth.token_family
);
CREATE INDEX ix_authorization_code_expires_at ON auth.authorization_code (expires_at);
-- Each family that is deleted asks whether a code refers to it.
CREATE INDEX ix_authorization_code_family_id ON auth.authorization_code (family_id);

CREATE TABLE auth.limit_counter (
    subject bytea NOT NULL,
    ends_at timestamptz NOT NULL,
    count int NOT NULL,
    CONSTRAINT pk_limit_counter PRIMARY KEY (subject, ends_at)
);
CREATE INDEX ix_limit_counter_ends_at ON auth.limit_counter (ends_at);
"""
