"""Identity checks, by whose verdict a customer's tier of limits is raised."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(CHECKS)


# Both ciphertexts are the provider's tokens, sealed under the customer's key and dropped once they have served.
CHECKS = """
CREATE TABLE wallet.identity_check (
    id uuid CONSTRAINT pk_identity_check PRIMARY KEY,
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    customer_id uuid NOT NULL,
    provider text NOT NULL,
    provider_reference text,
    document bytea,
    handover bytea,
    state text NOT NULL,
    reasons text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT uq_identity_check_principal_key UNIQUE (principal, key),
    CONSTRAINT uq_identity_check_provider_provider_reference UNIQUE (provider, provider_reference),
    CONSTRAINT ck_identity_check_state
        CHECK (state IN ('pending', 'waiting', 'approved', 'rejected', 'refused', 'expired')),
    CONSTRAINT ck_identity_check_decided CHECK ((state IN ('approved', 'rejected')) = (decided_at IS NOT NULL))
);
CREATE INDEX ix_identity_check_due_at ON wallet.identity_check (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ix_identity_check_customer_id_id ON wallet.identity_check (customer_id, id);
CREATE INDEX ix_identity_check_state_id ON wallet.identity_check (state, id);
CREATE UNIQUE INDEX uq_identity_check_open ON wallet.identity_check (customer_id)
    WHERE state IN ('pending', 'waiting');
"""
