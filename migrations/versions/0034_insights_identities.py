"""Whose an anonymous subject is, with the evidence, so that it can be undone; traits with their history; write keys
that can be revoked while the house is open.

A subject belongs to the customer with the best claim to it, and to nobody once three customers claim it: that is a
device which people share. What was undone is kept apart for ever, whatever events come later.
"""

from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(IDENTITIES)
    op.execute(LINKED_BEFORE)
    op.execute(PROFILES)
    op.execute(TOLD_BEFORE)
    op.execute(DEVICES)
    op.execute(WRITE_KEYS)


# subject_claim: the best evidence for each pair that was ever named. link: written when it is made, and once more when
# it ends; the one of a subject that has not ended is what `subject.customer_id` says.
IDENTITIES = """
ALTER TABLE insights.subject ALTER first_seen_at DROP NOT NULL, ALTER last_seen_at DROP NOT NULL;
CREATE TABLE insights.subject_claim (
    subject_id text NOT NULL,
    customer_id uuid NOT NULL,
    evidence text NOT NULL
        CONSTRAINT ck_subject_claim_evidence
        CHECK (evidence IN ('staff', 'device', 'phone', 'email', 'server', 'client')),
    at timestamptz NOT NULL,
    event_id uuid NOT NULL,
    CONSTRAINT pk_subject_claim PRIMARY KEY (subject_id, customer_id)
);
CREATE TABLE insights.kept_apart (
    subject_id text NOT NULL,
    customer_id uuid NOT NULL,
    CONSTRAINT pk_kept_apart PRIMARY KEY (subject_id, customer_id)
);
CREATE TABLE insights.link (
    id uuid CONSTRAINT pk_link PRIMARY KEY,
    subject_id text NOT NULL,
    customer_id uuid NOT NULL,
    evidence text NOT NULL
        CONSTRAINT ck_link_evidence
        CHECK (evidence IN ('staff', 'device', 'phone', 'email', 'server', 'client')),
    event_id uuid NOT NULL,
    made_at timestamptz NOT NULL,
    undo_until timestamptz NOT NULL,
    undone_at timestamptz,
    undone_by text,
    CONSTRAINT ck_link_undone CHECK ((undone_at IS NULL) = (undone_by IS NULL))
);
CREATE UNIQUE INDEX uq_link_subject_id ON insights.link (subject_id) WHERE undone_at IS NULL;
CREATE INDEX ix_link_customer_id ON insights.link (customer_id, id);
"""

# Who was linked before claims were kept stays so: first come, first linked. Which event said it is not known any more.
LINKED_BEFORE = """
INSERT INTO insights.subject_claim (subject_id, customer_id, evidence, at, event_id)
SELECT subject_id, customer_id, 'client', first_seen_at, '00000000-0000-0000-0000-000000000000'
  FROM insights.subject WHERE customer_id IS NOT NULL;
INSERT INTO insights.link (id, subject_id, customer_id, evidence, event_id, made_at, undo_until)
SELECT gen_random_uuid(), subject_id, customer_id, evidence, event_id, now(), now() + interval '30 days'
  FROM insights.subject_claim;
"""

# rebuild: id is the customer's.
PROFILES = """
CREATE TABLE insights.trait_change (
    customer_id uuid NOT NULL,
    name text NOT NULL,
    at timestamptz NOT NULL,
    event_id uuid NOT NULL,
    value jsonb NOT NULL,
    source text NOT NULL,
    CONSTRAINT pk_trait_change PRIMARY KEY (customer_id, name, at, event_id)
);
CREATE TABLE insights.rebuild (
    id uuid CONSTRAINT pk_rebuild PRIMARY KEY,
    state text NOT NULL CONSTRAINT ck_rebuild_state CHECK (state IN ('waiting', 'running', 'failed')),
    due_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    asked_at timestamptz NOT NULL
);
CREATE INDEX ix_rebuild_due ON insights.rebuild (due_at) WHERE state = 'waiting';
"""

# What a trait was before histories were kept is not known; what it is now begins one.
TOLD_BEFORE = """
INSERT INTO insights.trait_change (customer_id, name, at, event_id, value, source)
SELECT customer_id, name, at, coalesce(event_id, '00000000-0000-0000-0000-000000000000'), value, source
  FROM insights.trait;
"""

# subject_id: whom this installation was before anybody signed in, as the log knows them.
DEVICES = """
ALTER TABLE auth.device ADD subject_id text;
CREATE INDEX ix_device_seen_at ON auth.device (seen_at) WHERE push_token IS NOT NULL;
"""

WRITE_KEYS = """
CREATE TABLE connect.write_key (
    id uuid CONSTRAINT pk_write_key PRIMARY KEY,
    source text NOT NULL,
    key_index bytea NOT NULL CONSTRAINT uq_write_key_key_index UNIQUE,
    trust text NOT NULL CONSTRAINT ck_write_key_trust CHECK (trust IN ('client', 'server')),
    status text NOT NULL CONSTRAINT ck_write_key_status CHECK (status IN ('active', 'revoked')),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    last_used_on date,
    CONSTRAINT ck_write_key_revoked CHECK ((status = 'revoked') = (revoked_at IS NOT NULL))
);
"""
