"""What signing in stands on: clients of more kinds than our own app, sessions that tokens hang from, what a token
family and a code have to remember of the sign-in, and a table of what is revoked that every process looks at.
"""

from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(CUSTOMERS)
    op.execute(CLIENTS)
    op.execute(SESSIONS)
    op.execute(GRANTS)
    op.execute(REVOKED)


CUSTOMERS = """
ALTER TABLE auth.customer
    DROP CONSTRAINT ck_customer_status,
    ADD CONSTRAINT ck_customer_status CHECK (status IN ('active', 'suspended', 'erasing', 'erased'));
"""

# The brand's app is a public client that signs its customers in without asking for consent, and shares the sign-in with
# the brand's other apps (sso_group). Secrets are HMACs; two while one is changed over.
CLIENTS = """
ALTER TABLE auth.client
    ADD kind text NOT NULL DEFAULT 'app' CONSTRAINT ck_client_kind CHECK (kind IN ('app', 'partner', 'staff', 'till')),
    ADD audience text NOT NULL DEFAULT 'app'
        CONSTRAINT ck_client_audience CHECK (audience IN ('app', 'admin', 'merchant', 'partner')),
    ADD auth_method text NOT NULL DEFAULT 'none' CONSTRAINT ck_client_auth_method
        CHECK (auth_method IN ('none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt')),
    ADD secret bytea,
    ADD former_secret bytea,
    ADD former_until timestamptz,
    ADD key_set jsonb,
    ADD redirect_uris text[] NOT NULL DEFAULT '{}',
    ADD logout_uris text[] NOT NULL DEFAULT '{}',
    ADD back_channel_uri text,
    ADD grant_types text[] NOT NULL DEFAULT '{authorization_code,refresh_token}',
    ADD scopes text[] NOT NULL DEFAULT '{openid}',
    ADD sector text,
    ADD sso_group text,
    ADD needs_par boolean NOT NULL DEFAULT false,
    ADD dpop text NOT NULL DEFAULT 'no'
        CONSTRAINT ck_client_dpop CHECK (dpop IN ('no', 'offered', 'required', 'always')),
    ADD id_token_alg text NOT NULL DEFAULT 'ES256'
        CONSTRAINT ck_client_id_token_alg CHECK (id_token_alg IN ('ES256', 'RS256')),
    ADD status text NOT NULL DEFAULT 'active' CONSTRAINT ck_client_status CHECK (status IN ('active', 'suspended')),
    ADD made_by text,
    ADD made_at timestamptz,
    ADD CONSTRAINT ck_client_secret CHECK ((auth_method LIKE 'client_secret%') = (secret IS NOT NULL)),
    ADD CONSTRAINT ck_client_key_set CHECK ((auth_method = 'private_key_jwt') = (key_set IS NOT NULL));
UPDATE auth.client
   SET sso_group = 'brand', dpop = 'offered', scopes = '{openid,offline_access,device_sso,profile,phone,email}',
       grant_types = '{authorization_code,refresh_token,urn:ietf:params:oauth:grant-type:token-exchange}'
 WHERE client_id = 'pocketful-app';
INSERT INTO auth.client (client_id, name, kind, audience, grant_types, scopes) VALUES
    ('pocketful-admin', 'The brand''s staff', 'staff', 'admin',
     '{authorization_code,refresh_token}', '{openid,offline_access}'),
    ('pocketful-till', 'Tills that are enrolled', 'till', 'merchant',
     '{urn:ietf:params:oauth:grant-type:device_code}', '{}');
"""

# agent and place are sealed under the owner's data key.
SESSIONS = """
CREATE TABLE auth.session (
    id uuid CONSTRAINT pk_session PRIMARY KEY,
    customer_id uuid CONSTRAINT fk_session_customer_id_customer REFERENCES auth.customer,
    staff_id uuid CONSTRAINT fk_session_staff_id_staff REFERENCES auth.staff,
    kind text NOT NULL CONSTRAINT ck_session_kind CHECK (kind IN ('app', 'web')),
    client_id text NOT NULL CONSTRAINT fk_session_client_id_client REFERENCES auth.client,
    handle bytea CONSTRAINT uq_session_handle UNIQUE,
    auth_time timestamptz NOT NULL,
    acr text NOT NULL,
    amr text[] NOT NULL,
    device_id text,
    agent bytea,
    place bytea,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_because text,
    CONSTRAINT ck_session_owner CHECK ((customer_id IS NULL) <> (staff_id IS NULL)),
    CONSTRAINT ck_session_ended CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
CREATE INDEX ix_session_customer_id ON auth.session (customer_id, id) WHERE ended_at IS NULL;
CREATE INDEX ix_session_staff_id ON auth.session (staff_id) WHERE staff_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX ix_session_expires_at ON auth.session (expires_at);
"""

# No index on what rotation changes: its update stays on its page.
GRANTS = """
ALTER TABLE auth.token_family
    ALTER customer_id DROP NOT NULL,
    ADD staff_id uuid CONSTRAINT fk_token_family_staff_id_staff REFERENCES auth.staff,
    ADD session_id uuid CONSTRAINT fk_token_family_session_id_session REFERENCES auth.session,
    ADD scope text NOT NULL DEFAULT '',
    ADD jkt bytea,
    ADD auth_time timestamptz,
    ADD acr text NOT NULL DEFAULT '',
    ADD amr text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT ck_token_family_owner CHECK ((customer_id IS NULL) <> (staff_id IS NULL));
CREATE INDEX ix_token_family_session_id ON auth.token_family (session_id);
ALTER TABLE auth.authorization_code
    ALTER customer_id DROP NOT NULL,
    ALTER code_challenge DROP NOT NULL,
    ADD staff_id uuid CONSTRAINT fk_authorization_code_staff_id_staff REFERENCES auth.staff,
    ADD session_id uuid CONSTRAINT fk_authorization_code_session_id_session REFERENCES auth.session,
    ADD scope text NOT NULL DEFAULT '',
    ADD redirect_uri text,
    ADD nonce text,
    ADD jkt bytea,
    ADD auth_time timestamptz,
    ADD acr text NOT NULL DEFAULT '',
    ADD amr text[] NOT NULL DEFAULT '{}',
    ADD device_id text,
    ADD CONSTRAINT ck_authorization_code_owner CHECK ((customer_id IS NULL) <> (staff_id IS NULL));
"""

# Processes read what was written since their last look, less a margin for transactions that commit late.
REVOKED = """
CREATE TABLE auth.revocation (
    subject text CONSTRAINT pk_revocation PRIMARY KEY,
    issued_until timestamptz NOT NULL,
    until timestamptz NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ix_revocation_written_at ON auth.revocation (written_at);
CREATE INDEX ix_revocation_until ON auth.revocation (until);
CREATE TABLE auth.proof_seen (
    proof bytea CONSTRAINT pk_proof_seen PRIMARY KEY,
    until timestamptz NOT NULL
);
CREATE INDEX ix_proof_seen_until ON auth.proof_seen (until);
"""
