"""Broadcasts to a segment, and how each provider of messages is doing.

A broadcast is prepared in 64 parts, one a slot of its segment's members, so that any number of workers share it; the
unique key of its sends is the promise that each customer is dealt with once. Segments and templates are rooms' own
tables that may be archived but never deleted, so their ids stand here without a key.
"""

from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(PROVIDERS)
    op.execute(NAMES)
    op.execute(BROADCASTS)


PROVIDERS = """
CREATE TABLE core.provider_state (
    route text CONSTRAINT pk_provider_state PRIMARY KEY,
    failures int NOT NULL DEFAULT 0,
    closed_until timestamptz,
    tokens double precision NOT NULL,
    filled_at timestamptz NOT NULL
) WITH (fillfactor = 50);
"""

# A message in doubt is looked for among those that the provider lists: which of them are others of ours. Pushes, of
# which there are the most, have no such list.
NAMES = """
CREATE INDEX ix_message_provider_message_id ON core.message (provider_message_id)
    WHERE channel IN ('sms', 'whatsapp');
"""

BROADCASTS = """
CREATE TABLE engage.broadcast (
    id uuid CONSTRAINT pk_broadcast PRIMARY KEY,
    name text NOT NULL,
    segment_id uuid NOT NULL,
    template_id uuid,
    template_version_id uuid,
    wording jsonb,
    campaign_id uuid CONSTRAINT fk_broadcast_campaign_id REFERENCES rewards.campaign,
    purpose text NOT NULL,
    channels text[] NOT NULL,
    quiet text NOT NULL,
    starts_at timestamptz,
    local_time text,
    per_minute int,
    holdout_bps int NOT NULL,
    status text NOT NULL,
    expected bigint,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    started_by text,
    started_at timestamptz,
    ended_at timestamptz,
    stopped_because text,
    CONSTRAINT ck_broadcast_purpose CHECK (purpose IN ('marketing', 'transactional')),
    CONSTRAINT ck_broadcast_quiet CHECK (quiet IN ('hold', 'skip', 'pass')),
    CONSTRAINT ck_broadcast_status CHECK (
        status IN ('draft', 'scheduled', 'preparing', 'stopped', 'done', 'cancelled')),
    CONSTRAINT ck_broadcast_stopped CHECK (status <> 'stopped' OR stopped_because IS NOT NULL),
    CONSTRAINT ck_broadcast_channels CHECK (cardinality(channels) > 0),
    CONSTRAINT ck_broadcast_says CHECK ((template_id IS NULL) <> (wording IS NULL)),
    CONSTRAINT ck_broadcast_per_minute CHECK (per_minute > 0),
    CONSTRAINT ck_broadcast_holdout_bps CHECK (holdout_bps BETWEEN 0 AND 5000),
    CONSTRAINT ck_broadcast_started CHECK (status IN ('draft', 'cancelled') OR started_at IS NOT NULL)
);

CREATE TABLE engage.broadcast_part (
    id uuid CONSTRAINT pk_broadcast_part PRIMARY KEY,
    broadcast_id uuid NOT NULL CONSTRAINT fk_broadcast_part_broadcast_id REFERENCES engage.broadcast,
    slot smallint NOT NULL,
    cursor uuid,
    done int NOT NULL DEFAULT 0,
    counts jsonb NOT NULL DEFAULT '{}',
    leaves_until timestamptz,
    first_place bigint NOT NULL,
    places int NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT uq_broadcast_part_broadcast_id_slot UNIQUE (broadcast_id, slot),
    CONSTRAINT ck_broadcast_part_slot CHECK (slot BETWEEN 0 AND 63),
    CONSTRAINT ck_broadcast_part_state CHECK (state IN ('waiting', 'done', 'taking_back', 'cancelled'))
) WITH (fillfactor = 70);
CREATE INDEX ix_broadcast_part_due ON engage.broadcast_part (due_at) WHERE state IN ('waiting', 'taking_back');

CREATE TABLE engage.broadcast_send (
    id uuid CONSTRAINT pk_broadcast_send PRIMARY KEY,
    broadcast_id uuid NOT NULL CONSTRAINT fk_broadcast_send_broadcast_id REFERENCES engage.broadcast,
    customer_id uuid NOT NULL,
    arm text NOT NULL,
    outcome text NOT NULL,
    reasons jsonb NOT NULL DEFAULT '[]',
    channel text,
    voucher_id uuid,
    message_ids uuid[] NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL,
    CONSTRAINT uq_broadcast_send_broadcast_id_customer_id UNIQUE (broadcast_id, customer_id),
    CONSTRAINT ck_broadcast_send_arm CHECK (arm IN ('treated', 'holdout', 'control')),
    CONSTRAINT ck_broadcast_send_outcome CHECK (
        outcome IN ('sent', 'skipped', 'refused', 'held_out', 'cancelled'))
);
CREATE INDEX ix_broadcast_send_customer_id ON engage.broadcast_send (customer_id, id);
"""
