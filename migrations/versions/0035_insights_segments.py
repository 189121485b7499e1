"""Streams, which count what each customer did by the day, and the segments that stand on them.

Streams begin empty with the events that the readers have not come to yet. What is in the log already is counted
afterwards, name by name, so the names it holds are written down here, while no worker reads.
"""

from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '300s'")
    op.execute(STREAMS)
    op.execute(SEGMENTS)
    op.execute(DATES)
    op.execute(NAMES)


STREAMS = """
-- One row at most, whose version is another one after each change of a stream or a segment.
CREATE TABLE insights.definitions (
    is_only boolean NOT NULL DEFAULT true CONSTRAINT pk_definitions PRIMARY KEY,
    version uuid NOT NULL,
    CONSTRAINT ck_definitions_is_only CHECK (is_only)
);

CREATE TABLE insights.stream (
    id int GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_stream PRIMARY KEY,
    event text NOT NULL,
    named text NOT NULL DEFAULT '',
    condition text NOT NULL DEFAULT '',
    field text NOT NULL DEFAULT '',
    fingerprint bytea NOT NULL,
    state text NOT NULL,
    filled_slots smallint NOT NULL DEFAULT 0,
    filled_epoch int,
    filled_xid xid8,
    filled_seq bigint,
    created_at timestamptz NOT NULL,
    dropped_at timestamptz,
    CONSTRAINT uq_stream_fingerprint UNIQUE (fingerprint),
    CONSTRAINT ck_stream_state CHECK (state IN ('filling', 'live', 'dropped')),
    CONSTRAINT ck_stream_dropped CHECK ((state = 'dropped') = (dropped_at IS NOT NULL)),
    CONSTRAINT ck_stream_filled_slots CHECK (filled_slots BETWEEN 0 AND 64)
);
CREATE INDEX ix_stream_filling ON insights.stream (id) WHERE state = 'filling';

CREATE TABLE insights.activity (
    customer_id uuid NOT NULL,
    stream_id int NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    count bigint NOT NULL,
    total numeric NOT NULL,
    CONSTRAINT pk_activity PRIMARY KEY (customer_id, stream_id)
) WITH (fillfactor = 80);
CREATE INDEX ix_activity_stream_id_customer_id ON insights.activity (stream_id, customer_id);

-- No count stands in an index, so that counting one more changes none.
CREATE TABLE insights.activity_day (
    stream_id int NOT NULL,
    day date NOT NULL,
    customer_id uuid NOT NULL,
    count bigint NOT NULL,
    total numeric NOT NULL,
    CONSTRAINT pk_activity_day PRIMARY KEY (stream_id, day, customer_id)
) WITH (fillfactor = 80);
CREATE INDEX ix_activity_day_customer_id_stream_id_day ON insights.activity_day (customer_id, stream_id, day);

CREATE TABLE insights.habit (
    customer_id uuid NOT NULL,
    hour smallint NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT pk_habit PRIMARY KEY (customer_id, hour),
    CONSTRAINT ck_habit_hour CHECK (hour BETWEEN 0 AND 23)
) WITH (fillfactor = 80);
"""

SEGMENTS = """
CREATE TABLE insights.segment (
    id uuid CONSTRAINT pk_segment PRIMARY KEY,
    key text NOT NULL,
    name text NOT NULL,
    condition jsonb NOT NULL,
    expanded jsonb NOT NULL,
    previous jsonb,
    revision int NOT NULL,
    status text NOT NULL,
    built_slots smallint NOT NULL DEFAULT 0,
    built_until uuid,
    members bigint,
    counted_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    forgotten_at timestamptz,
    CONSTRAINT uq_segment_key UNIQUE (key),
    CONSTRAINT ck_segment_status CHECK (status IN ('building', 'live', 'archived')),
    CONSTRAINT ck_segment_built_slots CHECK (built_slots BETWEEN 0 AND 64)
);

CREATE TABLE insights.segment_part (
    segment_id uuid NOT NULL CONSTRAINT fk_segment_part_segment_id REFERENCES insights.segment (id),
    part_id uuid NOT NULL CONSTRAINT fk_segment_part_part_id REFERENCES insights.segment (id),
    CONSTRAINT pk_segment_part PRIMARY KEY (segment_id, part_id)
);
CREATE INDEX ix_segment_part_part_id ON insights.segment_part (part_id);

-- Rows of customers who are not in stand here only where they were in, or where time alone can bring them in.
CREATE TABLE insights.membership (
    customer_id uuid NOT NULL,
    segment_id uuid NOT NULL CONSTRAINT fk_membership_segment_id REFERENCES insights.segment (id),
    slot smallint NOT NULL GENERATED ALWAYS AS (core.slot_of(customer_id, NULL)) STORED,
    is_in boolean NOT NULL,
    since timestamptz NOT NULL,
    revision int NOT NULL,
    recheck_on date,
    CONSTRAINT pk_membership PRIMARY KEY (customer_id, segment_id)
) WITH (fillfactor = 80);
CREATE INDEX ix_membership_members ON insights.membership (segment_id, slot, customer_id) WHERE is_in;
CREATE INDEX ix_membership_recheck ON insights.membership (slot, recheck_on) WHERE recheck_on IS NOT NULL;

-- Segments are built a slot at a time.
CREATE INDEX ix_profile_slot ON insights.profile (core.slot_of(customer_id, NULL), customer_id);
"""

DATES = """
CREATE TABLE insights.date_watch (
    trait text NOT NULL,
    days_before smallint NOT NULL,
    since timestamptz NOT NULL,
    last_day date NOT NULL,
    due_at timestamptz NOT NULL,
    CONSTRAINT pk_date_watch PRIMARY KEY (trait, days_before),
    CONSTRAINT ck_date_watch_days_before CHECK (days_before BETWEEN 0 AND 60)
);

-- Whose trait is a day, by its month and day: "1990-05-14" and "05-14" both stand under "05-14".
CREATE INDEX ix_trait_month_day ON insights.trait (name, right(value #>> '{}', 5), customer_id)
 WHERE jsonb_typeof(value) = 'string' AND value #>> '{}' ~ '^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$';
"""

# As `insights.streams` makes a stream of a name by itself: one for each event, and one for each tracked event's own.
NAMES = """
INSERT INTO insights.stream (event, named, fingerprint, state, created_at)
SELECT event, named, sha256(convert_to(concat_ws(chr(31), event, named, '', ''), 'UTF8')), 'filling', now()
  FROM (SELECT DISTINCT name AS event,
               CASE WHEN name = 'outside.track' THEN left(payload ->> 'event', 200) ELSE '' END AS named
          FROM core.event
         WHERE customer_id IS NOT NULL) e
 WHERE event NOT LIKE 'segment.%' AND event NOT LIKE 'date.%' AND (event <> 'outside.track' OR named <> '')
 ORDER BY event, named
 LIMIT 1000;
"""
