"""The ground floor: ids, month partitions, the event log with its readers, data keys, idempotency, audit, schedules.

`event` is partitioned by month on its UUIDv7 id from the first day, since a table cannot be split without copying it.
A UNIQUE key over such a table must hold the partition column, so de-duplication stands in `event_receipt`.
"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    for schema in ("core", "auth", "wallet", "rewards", "insights", "engage", "connect"):
        op.execute(f"CREATE SCHEMA {schema}")
    op.execute(IDS)
    op.execute(PARTITIONS)
    op.execute(EVENTS)
    op.execute(READERS)
    op.execute(KEPT)


IDS = """
-- A UUIDv7 made in the database (PostgreSQL has its own only from 18 on).
CREATE FUNCTION core.uuidv7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
               PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
               52, 1), 53, 1), 'hex')::uuid
$$;

-- The smallest UUIDv7 of an instant: where a month's partition begins.
CREATE FUNCTION core.uuidv7_floor(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

CREATE FUNCTION core.slot_of(customer_id uuid, subject_id text) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (('x' || substr(md5(coalesce(customer_id::text, subject_id, '')), 1, 2))::bit(8)::int % 64)::smallint
$$;
"""

PARTITIONS = """
CREATE TABLE core.month_partitioned (
    table_name text CONSTRAINT pk_month_partitioned PRIMARY KEY
);

-- One partition a month for each table named in month_partitioned, from the month of `at` on. Everything earlier,
-- and anything that no month was made for, falls into the default partition, so that nothing is ever lost. A month
-- whose rows are there already (nobody ran this for months) stays there: PostgreSQL refuses to make it beside them, and
-- moving them would lock the table; the months after it, and the other tables, must not wait for that.
CREATE FUNCTION core.ensure_month_partitions(at timestamptz, ahead int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    month timestamptz;
    child text;
    is_in_default bool;
BEGIN
    FOR parent IN SELECT table_name FROM core.month_partitioned ORDER BY table_name LOOP
        IF to_regclass(parent || '_default') IS NULL THEN
            EXECUTE format('CREATE TABLE %s_default PARTITION OF %s DEFAULT', parent, parent);
        END IF;
        FOR step IN 0..ahead LOOP
            month := date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => step);
            child := parent || '_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
            CONTINUE WHEN to_regclass(child) IS NOT NULL;
            EXECUTE format('SELECT EXISTS (SELECT FROM %s_default WHERE id >= %L AND id < %L)', parent,
                core.uuidv7_floor(month), core.uuidv7_floor(month + interval '1 month')) INTO is_in_default;
            IF is_in_default THEN
                RAISE WARNING 'Rows of % stand in %_default: no partition is made for them', child, parent;
                CONTINUE;
            END IF;
            EXECUTE format('CREATE TABLE %s PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', child, parent,
                core.uuidv7_floor(month), core.uuidv7_floor(month + interval '1 month'));
        END LOOP;
    END LOOP;
END $$;
"""

EVENTS = """
CREATE TABLE core.cluster (
    system_identifier bigint CONSTRAINT pk_cluster PRIMARY KEY,
    epoch int NOT NULL
);

CREATE FUNCTION core.current_epoch() RETURNS int LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT epoch FROM core.cluster
$$;

CREATE SEQUENCE core.event_seq AS bigint CACHE 1;

CREATE TABLE core.event (
    id uuid NOT NULL,
    epoch int NOT NULL DEFAULT 1,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq bigint NOT NULL DEFAULT nextval('core.event_seq'),
    slot smallint NOT NULL GENERATED ALWAYS AS (core.slot_of(customer_id, subject_id)) STORED,
    name text NOT NULL,
    customer_id uuid,
    subject_id text,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    source text NOT NULL,
    caused_by uuid,
    depth smallint NOT NULL,
    trace text,
    payload jsonb NOT NULL,
    CONSTRAINT pk_event PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE INDEX ix_event_position ON core.event (slot, epoch, xid, seq);
CREATE INDEX ix_event_timeline ON core.event (customer_id, occurred_at, id);
CREATE INDEX ix_event_subject ON core.event (subject_id, occurred_at, id) WHERE customer_id IS NULL;
-- The brand's figures are sums over the orders of a span of time, and orders are few among the events.
CREATE INDEX ix_event_orders ON core.event (occurred_at) WHERE name = 'order.completed';

CREATE FUNCTION core.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are written once', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER event_written_once BEFORE UPDATE OR DELETE ON core.event
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();

CREATE TABLE core.event_private (
    event_id uuid CONSTRAINT pk_event_private PRIMARY KEY,
    customer_id uuid NOT NULL,
    ciphertext bytea NOT NULL
);

CREATE TABLE core.event_receipt (
    source text NOT NULL,
    message_id text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT pk_event_receipt PRIMARY KEY (source, message_id)
);

INSERT INTO core.month_partitioned VALUES ('core.event');
SELECT core.ensure_month_partitions(clock_timestamp(), 3);
"""

READERS = """
CREATE TABLE core.reader_offset (
    reader text NOT NULL,
    slot smallint NOT NULL,
    epoch int NOT NULL DEFAULT 0,
    xid xid8 NOT NULL DEFAULT '0',
    seq bigint NOT NULL DEFAULT 0,
    read_at timestamptz,
    CONSTRAINT pk_reader_offset PRIMARY KEY (reader, slot)
) WITH (fillfactor = 50);

CREATE TABLE core.reader_parked (
    reader text NOT NULL,
    event_id uuid NOT NULL,
    subject text NOT NULL,
    error text,
    parked_at timestamptz NOT NULL,
    CONSTRAINT pk_reader_parked PRIMARY KEY (reader, event_id)
);
CREATE INDEX ix_reader_parked_subject ON core.reader_parked (reader, subject);
"""

KEPT = """
CREATE TABLE core.data_key (
    owner_id uuid CONSTRAINT pk_data_key PRIMARY KEY,
    kek_version smallint NOT NULL,
    wrapped bytea NOT NULL
);

CREATE TABLE core.idempotency (
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    body json NOT NULL,
    kept_at timestamptz NOT NULL,
    CONSTRAINT pk_idempotency PRIMARY KEY (principal, key)
);

CREATE TABLE core.audit_entry (
    id uuid CONSTRAINT pk_audit_entry PRIMARY KEY,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    change jsonb NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE core.schedule (
    name text CONSTRAINT pk_schedule PRIMARY KEY,
    fired_at timestamptz NOT NULL
);

CREATE TABLE core.sandbox_message (
    id uuid CONSTRAINT pk_sandbox_message PRIMARY KEY,
    channel text NOT NULL,
    recipient text NOT NULL,
    content jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
"""
