"""What becomes of those inside when a journey is published anew, what a journey may cost, the doors by which somebody
comes into a journey from outside the app, and the servers that a journey calls.

A door's request stands once for its reference, so that a link that is opened twice, or a partner that calls again,
lets nobody in twice. Of somebody who has not signed up yet it keeps the blind index of the number and never the number.
"""

from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(JOURNEYS)
    op.execute(MOVES)
    op.execute(DOORS)
    op.execute(WEBHOOKS)


# is_holding: paused, and those inside stand still as well, due in the year 9999. wakes_until: it has gone on, and they
# are being woken.
JOURNEYS = """
ALTER TABLE engage.journey ADD is_holding boolean NOT NULL DEFAULT false,
    ADD wakes_until timestamptz,
    ADD CONSTRAINT ck_journey_holding CHECK (NOT is_holding OR status = 'paused');

CREATE TABLE engage.journey_spend (
    journey_id uuid NOT NULL,
    bucket text NOT NULL,
    currency text NOT NULL,
    spent_minor bigint NOT NULL,
    most_minor bigint NOT NULL,
    CONSTRAINT pk_journey_spend PRIMARY KEY (journey_id, bucket, currency),
    CONSTRAINT fk_journey_spend_journey_id FOREIGN KEY (journey_id) REFERENCES engage.journey (id),
    CONSTRAINT ck_journey_spend_spent CHECK (spent_minor BETWEEN 0 AND most_minor)
) WITH (fillfactor = 50);

-- Where those inside stand, of journeys with so many that nobody waits until they are counted.
CREATE TABLE engage.journey_count (
    journey_id uuid NOT NULL,
    counts jsonb NOT NULL,
    counted_at timestamptz NOT NULL,
    CONSTRAINT pk_journey_count PRIMARY KEY (journey_id),
    CONSTRAINT fk_journey_count_journey_id FOREIGN KEY (journey_id) REFERENCES engage.journey (id)
);
"""

MOVES = """
CREATE TABLE engage.version_move (
    id uuid NOT NULL,
    journey_id uuid NOT NULL,
    from_id uuid NOT NULL,
    to_id uuid,
    how text NOT NULL,
    map jsonb NOT NULL,
    moved int NOT NULL DEFAULT 0,
    ended int NOT NULL DEFAULT 0,
    reached uuid,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT pk_version_move PRIMARY KEY (id),
    CONSTRAINT fk_version_move_journey_id FOREIGN KEY (journey_id) REFERENCES engage.journey (id),
    CONSTRAINT fk_version_move_from_id FOREIGN KEY (from_id) REFERENCES engage.journey_version (id),
    CONSTRAINT fk_version_move_to_id FOREIGN KEY (to_id) REFERENCES engage.journey_version (id),
    CONSTRAINT ck_version_move_how CHECK (how IN ('migrate', 'exit')),
    CONSTRAINT ck_version_move_to CHECK ((how = 'migrate') = (to_id IS NOT NULL)),
    CONSTRAINT ck_version_move_state CHECK (state IN ('waiting', 'done')),
    CONSTRAINT ck_version_move_due CHECK ((state = 'waiting') = (due_at IS NOT NULL))
);
CREATE INDEX ix_version_move_due ON engage.version_move (due_at) WHERE state = 'waiting';
CREATE INDEX ix_version_move_journey_id ON engage.version_move (journey_id, id);
"""

DOORS = """
CREATE TABLE engage.entry_door (
    id uuid NOT NULL,
    slug text NOT NULL,
    kind text NOT NULL,
    word text,
    source text,
    name text NOT NULL,
    status text NOT NULL,
    starts_at timestamptz,
    ends_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_entry_door PRIMARY KEY (id),
    CONSTRAINT uq_entry_door_slug UNIQUE (slug),
    CONSTRAINT uq_entry_door_word UNIQUE (word),
    CONSTRAINT ck_entry_door_kind CHECK (kind IN ('link', 'poster', 'keyword', 'partner')),
    CONSTRAINT ck_entry_door_word CHECK ((kind = 'keyword') = (word IS NOT NULL)),
    CONSTRAINT ck_entry_door_source CHECK ((kind = 'partner') = (source IS NOT NULL)),
    CONSTRAINT ck_entry_door_status CHECK (status IN ('open', 'closed')),
    CONSTRAINT ck_entry_door_time CHECK (ends_at > starts_at)
);

CREATE TABLE engage.entry_request (
    id uuid NOT NULL,
    door_id uuid NOT NULL,
    customer_id uuid,
    phone_index bytea,
    by_number boolean NOT NULL DEFAULT false,
    is_checked boolean NOT NULL DEFAULT false,
    reference text NOT NULL,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT pk_entry_request PRIMARY KEY (id),
    CONSTRAINT fk_entry_request_door_id FOREIGN KEY (door_id) REFERENCES engage.entry_door (id),
    CONSTRAINT uq_entry_request_door_id_reference UNIQUE (door_id, reference),
    CONSTRAINT ck_entry_request_somebody CHECK ((customer_id IS NULL) <> (phone_index IS NULL)),
    CONSTRAINT ck_entry_request_used CHECK ((customer_id IS NULL) = (used_at IS NULL))
);
CREATE INDEX ix_entry_request_phone_index ON engage.entry_request (phone_index) WHERE used_at IS NULL;
CREATE INDEX ix_entry_request_customer_id ON engage.entry_request (customer_id, door_id) WHERE customer_id IS NOT NULL;
CREATE INDEX ix_entry_request_unchecked ON engage.entry_request (id) WHERE used_at IS NULL AND NOT is_checked;
CREATE INDEX ix_entry_request_expires_at ON engage.entry_request (expires_at) WHERE used_at IS NULL;
"""

# The address of a target is sealed as its secret is: it may hold a token of the other side's. Targets take turns, and
# the calls of each are looked for apart, so that one with many waiting calls hides no other's.
WEBHOOKS = """
CREATE TABLE engage.webhook_target (
    id uuid NOT NULL,
    name text NOT NULL,
    host text NOT NULL,
    url bytea NOT NULL,
    secret bytea NOT NULL,
    status text NOT NULL,
    failures int NOT NULL DEFAULT 0,
    rests_until timestamptz,
    called_at timestamptz,
    lease_until timestamptz,
    lease_token uuid,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_webhook_target PRIMARY KEY (id),
    CONSTRAINT uq_webhook_target_name UNIQUE (name),
    CONSTRAINT ck_webhook_target_status CHECK (status IN ('active', 'closed')),
    CONSTRAINT ck_webhook_target_failures CHECK (failures >= 0)
) WITH (fillfactor = 50);

CREATE TABLE engage.webhook_call (
    id uuid NOT NULL,
    target_id uuid NOT NULL,
    step_run_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    body jsonb NOT NULL,
    status_code int,
    made_at timestamptz NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT pk_webhook_call PRIMARY KEY (id),
    CONSTRAINT fk_webhook_call_target_id FOREIGN KEY (target_id) REFERENCES engage.webhook_target (id),
    CONSTRAINT uq_webhook_call_step_run_id UNIQUE (step_run_id),
    CONSTRAINT ck_webhook_call_state CHECK (state IN ('waiting', 'calling', 'done', 'failed')),
    CONSTRAINT ck_webhook_call_due CHECK (state <> 'waiting' OR due_at IS NOT NULL),
    CONSTRAINT ck_webhook_call_lease CHECK ((state = 'calling') = (lease_token IS NOT NULL))
);
CREATE INDEX ix_webhook_call_due ON engage.webhook_call (target_id, due_at) WHERE state = 'waiting';
CREATE INDEX ix_webhook_call_made_at ON engage.webhook_call (made_at) WHERE state = 'waiting';
CREATE INDEX ix_webhook_call_leased ON engage.webhook_call (lease_until) WHERE lease_token IS NOT NULL;
CREATE INDEX ix_webhook_call_target_id ON engage.webhook_call (target_id, id);
"""
