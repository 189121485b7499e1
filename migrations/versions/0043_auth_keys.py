"""Keys that tokens are signed with, and what a customer's Apple or Google identity is known by.

Two identities of one provider at one customer, or one at two customers, cannot be: who signs in by it would be nobody
for certain. What Apple has to be asked waits in a table of its own, under keys of its own, since it outlives the
customer's.
"""

from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(KEYS)
    op.execute(IDENTITIES)


# private is sealed under the row's own data key; NULL for the key of the setting, which stands nowhere else.
KEYS = """
CREATE TABLE auth.signing_key (
    id uuid CONSTRAINT pk_signing_key PRIMARY KEY,
    kid text NOT NULL CONSTRAINT uq_signing_key_kid UNIQUE,
    alg text NOT NULL CONSTRAINT ck_signing_key_alg CHECK (alg IN ('ES256', 'RS256')),
    status text NOT NULL CONSTRAINT ck_signing_key_status CHECK (status IN ('next', 'current', 'retired')),
    public jsonb NOT NULL,
    private bytea,
    published_at timestamptz NOT NULL,
    current_from timestamptz,
    retired_at timestamptz,
    CONSTRAINT ck_signing_key_current CHECK ((status = 'next') = (current_from IS NULL)),
    CONSTRAINT ck_signing_key_retired CHECK ((status = 'retired') = (retired_at IS NOT NULL))
);
CREATE UNIQUE INDEX uq_signing_key_current ON auth.signing_key (alg) WHERE status = 'current';
CREATE UNIQUE INDEX uq_signing_key_next ON auth.signing_key (alg) WHERE status = 'next';
"""

# subject_index is an HMAC of issuer and subject, never of an e-mail address, which passes from hand to hand.
IDENTITIES = """
CREATE TABLE auth.identity (
    id uuid CONSTRAINT pk_identity PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT fk_identity_customer_id_customer REFERENCES auth.customer,
    provider text NOT NULL CONSTRAINT ck_identity_provider CHECK (provider IN ('apple', 'google')),
    client_id text NOT NULL,
    subject_index bytea NOT NULL,
    email bytea,
    grant_token bytea,
    linked_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    CONSTRAINT uq_identity_subject_index UNIQUE (subject_index),
    CONSTRAINT uq_identity_customer_id_provider UNIQUE (customer_id, provider)
);
CREATE TABLE auth.provider_call (
    id uuid CONSTRAINT pk_provider_call PRIMARY KEY,
    kind text NOT NULL CONSTRAINT ck_provider_call_kind CHECK (kind IN ('exchange', 'revoke')),
    client_id text NOT NULL,
    identity_id uuid,
    secret bytea NOT NULL,
    made_at timestamptz NOT NULL,
    state text NOT NULL CONSTRAINT ck_provider_call_state CHECK (state IN ('waiting', 'calling', 'failed')),
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT ck_provider_call_lease CHECK ((state = 'calling') = (lease_token IS NOT NULL)),
    CONSTRAINT ck_provider_call_identity CHECK ((kind = 'exchange') = (identity_id IS NOT NULL))
);
CREATE INDEX ix_provider_call_due ON auth.provider_call (due_at) WHERE state = 'waiting';
CREATE INDEX ix_provider_call_leased ON auth.provider_call (lease_until) WHERE lease_token IS NOT NULL;
"""
