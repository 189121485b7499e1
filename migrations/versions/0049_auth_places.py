"""Organisations above merchants, terminals that enrol themselves and may be out of use for ever, and device grants:
what a device without a keyboard asks for, until a person says yes to the code that it shows.
"""

from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(PLACES)
    op.execute(DEVICE_GRANTS)
    op.execute("CREATE INDEX ix_authorization_code_session_id ON auth.authorization_code (session_id)")  # for the sweep


# A revoked terminal's key opens nothing ever again, and stays taken, so that it cannot be enrolled anew either.
PLACES = """
CREATE TABLE auth.organisation (
    id uuid CONSTRAINT pk_organisation PRIMARY KEY,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'active' CONSTRAINT ck_organisation_status CHECK (status IN ('active', 'suspended')),
    created_at timestamptz NOT NULL
);
ALTER TABLE auth.merchant
    ADD organisation_id uuid CONSTRAINT fk_merchant_organisation_id_organisation REFERENCES auth.organisation;
CREATE INDEX ix_merchant_organisation_id ON auth.merchant (organisation_id) WHERE organisation_id IS NOT NULL;
ALTER TABLE auth.terminal
    ADD enrolled_by text,
    ADD seen_on date,
    DROP CONSTRAINT ck_terminal_status,
    ADD CONSTRAINT ck_terminal_status CHECK (status IN ('active', 'suspended', 'revoked'));
"""

# device_code and user_code are HMACs. public_key and jkt: of the key that the device proved when it asked (DPoP); a
# till's is what it signs with from then on. The index on user_code is unique among those that wait: a code is short.
DEVICE_GRANTS = """
CREATE TABLE auth.device_grant (
    id uuid CONSTRAINT pk_device_grant PRIMARY KEY,
    device_code bytea NOT NULL CONSTRAINT uq_device_grant_device_code UNIQUE,
    user_code bytea NOT NULL,
    client_id text NOT NULL CONSTRAINT fk_device_grant_client_id_client REFERENCES auth.client,
    scope text NOT NULL DEFAULT '',
    public_key text,
    jkt bytea,
    status text NOT NULL DEFAULT 'waiting'
        CONSTRAINT ck_device_grant_status CHECK (status IN ('waiting', 'approved', 'denied', 'spent')),
    session_id uuid CONSTRAINT fk_device_grant_session_id_session REFERENCES auth.session,
    terminal_id uuid CONSTRAINT fk_device_grant_terminal_id_terminal REFERENCES auth.terminal,
    decided_by text,
    decided_at timestamptz,
    interval_seconds smallint NOT NULL DEFAULT 5,
    polled_at timestamptz,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT ck_device_grant_decided CHECK ((status = 'waiting') = (decided_at IS NULL)),
    CONSTRAINT ck_device_grant_granted
        CHECK ((status IN ('approved', 'spent')) = (num_nonnulls(session_id, terminal_id) = 1))
);
CREATE UNIQUE INDEX uq_device_grant_user_code ON auth.device_grant (user_code) WHERE status = 'waiting';
CREATE INDEX ix_device_grant_expires_at ON auth.device_grant (expires_at);
CREATE INDEX ix_device_grant_session_id ON auth.device_grant (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX ix_device_grant_terminal_id ON auth.device_grant (terminal_id) WHERE terminal_id IS NOT NULL;
"""
