"""The tables of engage: journeys, those who walk them, what each step did and why, consent, and the app's inbox.

An enrolment and its step runs carry the UNIQUE keys that make a journey's effects happen once, whatever crashes.
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(JOURNEYS)
    op.execute(ENROLMENTS)
    op.execute(CUSTOMERS)


JOURNEYS = """
CREATE TABLE engage.journey (
    id uuid CONSTRAINT pk_journey PRIMARY KEY,
    name text NOT NULL,
    status text NOT NULL CONSTRAINT ck_journey_status CHECK (status IN ('draft', 'live', 'paused', 'ended')),
    holdout_bps int NOT NULL CONSTRAINT ck_journey_holdout CHECK (holdout_bps BETWEEN 0 AND 10000),
    live_version_id uuid,
    created_at timestamptz NOT NULL,
    CONSTRAINT ck_journey_published CHECK ((status = 'draft') = (live_version_id IS NULL))
);

CREATE TABLE engage.journey_version (
    id uuid CONSTRAINT pk_journey_version PRIMARY KEY,
    journey_id uuid NOT NULL CONSTRAINT fk_journey_version_journey_id REFERENCES engage.journey (id),
    number int NOT NULL,
    graph jsonb NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL,
    CONSTRAINT uq_journey_version_journey_id_number UNIQUE (journey_id, number)
);

CREATE TRIGGER journey_version_written_once BEFORE UPDATE OR DELETE ON engage.journey_version
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
"""

ENROLMENTS = """
CREATE TABLE engage.enrolment (
    id uuid CONSTRAINT pk_enrolment PRIMARY KEY,
    state text NOT NULL CONSTRAINT ck_enrolment_state CHECK (state IN ('ready', 'waiting', 'ended')),
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    journey_id uuid NOT NULL CONSTRAINT fk_enrolment_journey_id REFERENCES engage.journey (id),
    version_id uuid NOT NULL CONSTRAINT fk_enrolment_version_id REFERENCES engage.journey_version (id),
    customer_id uuid NOT NULL,
    entry_key text NOT NULL,
    is_held_out boolean NOT NULL,
    step text,
    visit int NOT NULL,
    step_entered_at timestamptz NOT NULL,
    awaited_event text,
    timeout_at timestamptz,
    voucher_id uuid,
    voucher_redeemed_at timestamptz,
    caused_by uuid,
    depth smallint NOT NULL,
    trace text,
    entered_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    CONSTRAINT uq_enrolment_journey_id_customer_id_entry_key UNIQUE (journey_id, customer_id, entry_key),
    CONSTRAINT ck_enrolment_due CHECK ((state = 'ended') = (due_at IS NULL)),
    CONSTRAINT ck_enrolment_ended CHECK ((state = 'ended') = (end_reason IS NOT NULL))
);
CREATE INDEX ix_enrolment_due ON engage.enrolment (due_at) WHERE state <> 'ended';
CREATE INDEX ix_enrolment_awaiting ON engage.enrolment (customer_id, awaited_event) WHERE state = 'waiting';
CREATE INDEX ix_enrolment_voucher_id ON engage.enrolment (voucher_id);

CREATE TABLE engage.step_run (
    id uuid CONSTRAINT pk_step_run PRIMARY KEY,
    enrolment_id uuid NOT NULL CONSTRAINT fk_step_run_enrolment_id REFERENCES engage.enrolment (id),
    customer_id uuid NOT NULL,
    step text NOT NULL,
    visit int NOT NULL,
    kind text NOT NULL,
    outcome text NOT NULL,
    reasons jsonb NOT NULL,
    voucher_id uuid,
    message_ids uuid[] NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT uq_step_run_enrolment_id_step_visit UNIQUE (enrolment_id, step, visit)
);
CREATE INDEX ix_step_run_customer_id ON engage.step_run (customer_id, id);
"""

CUSTOMERS = """
CREATE TABLE engage.consent (
    customer_id uuid NOT NULL,
    channel text NOT NULL CONSTRAINT ck_consent_channel CHECK (channel IN ('push', 'sms', 'whatsapp')),
    purpose text NOT NULL CONSTRAINT ck_consent_purpose CHECK (purpose IN ('transactional', 'marketing')),
    is_granted boolean NOT NULL,
    source text NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_consent PRIMARY KEY (customer_id, channel, purpose)
);

CREATE TABLE engage.inbox_item (
    id uuid CONSTRAINT pk_inbox_item PRIMARY KEY,
    customer_id uuid NOT NULL,
    voucher_id uuid,
    content bytea NOT NULL,
    created_at timestamptz NOT NULL,
    read_at timestamptz
);
CREATE INDEX ix_inbox_item_customer_id ON engage.inbox_item (customer_id, id);
CREATE INDEX ix_inbox_item_unread ON engage.inbox_item (customer_id) WHERE read_at IS NULL;
"""
