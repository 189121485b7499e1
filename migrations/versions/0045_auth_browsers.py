"""Signing in with a browser: requests that wait for somebody, what a customer lets a partner have, and the partners
that have to hear of a sign-out.
"""

from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(REQUESTS)
    op.execute(PARTNERS)


# parameters and progress are sealed under the row's own data key.
REQUESTS = """
CREATE TABLE auth.authorization_request (
    id uuid CONSTRAINT pk_authorization_request PRIMARY KEY,
    handle bytea NOT NULL CONSTRAINT uq_authorization_request_handle UNIQUE,
    kind text NOT NULL CONSTRAINT ck_authorization_request_kind CHECK (kind IN ('pushed', 'page')),
    client_id text NOT NULL CONSTRAINT fk_authorization_request_client_id_client REFERENCES auth.client,
    parameters bytea NOT NULL,
    progress bytea,
    browser bytea,
    session_id uuid CONSTRAINT fk_authorization_request_session_id_session REFERENCES auth.session ON DELETE CASCADE,
    signed_in_at timestamptz,
    consented_at timestamptz,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT ck_authorization_request_browser CHECK ((kind = 'page') = (browser IS NOT NULL))
);
CREATE INDEX ix_authorization_request_expires_at ON auth.authorization_request (expires_at);
CREATE INDEX ix_authorization_request_session_id ON auth.authorization_request (session_id)
 WHERE session_id IS NOT NULL;
"""

PARTNERS = """
CREATE TABLE auth.client_grant (
    customer_id uuid NOT NULL CONSTRAINT fk_client_grant_customer_id_customer REFERENCES auth.customer,
    client_id text NOT NULL CONSTRAINT fk_client_grant_client_id_client REFERENCES auth.client,
    scopes text[] NOT NULL,
    granted_at timestamptz NOT NULL,
    CONSTRAINT pk_client_grant PRIMARY KEY (customer_id, client_id)
);
CREATE TABLE auth.logout_notice (
    id uuid CONSTRAINT pk_logout_notice PRIMARY KEY,
    session_id uuid NOT NULL,
    family_id uuid NOT NULL CONSTRAINT uq_logout_notice_family_id UNIQUE,
    client_id text NOT NULL CONSTRAINT fk_logout_notice_client_id_client REFERENCES auth.client,
    subject text NOT NULL,
    state text NOT NULL CONSTRAINT ck_logout_notice_state CHECK (state IN ('waiting', 'calling', 'done', 'failed')),
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT ck_logout_notice_lease CHECK ((state = 'calling') = (lease_token IS NOT NULL))
);
CREATE INDEX ix_logout_notice_due ON auth.logout_notice (due_at) WHERE state = 'waiting';
CREATE INDEX ix_logout_notice_leased ON auth.logout_notice (lease_until) WHERE lease_token IS NOT NULL;
"""
