"""Who stayed outside a journey and why, and journeys that are played over the past before anybody is written to.

What a backtest finds for each customer is kept beside it, so that "who would get what" can be listed and exported.
"""

from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(REFUSED)
    op.execute(BACKTESTS)
    op.execute(ROOM_FOR_UPDATES)
    op.execute(HELD)


# Asked for by customer, swept by age.
REFUSED = """
CREATE TABLE engage.refused_entry (
    journey_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    event_id uuid NOT NULL,
    reasons jsonb NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_refused_entry PRIMARY KEY (journey_id, customer_id, event_id)
);
CREATE INDEX ix_refused_entry_customer_id ON engage.refused_entry (customer_id, at);
CREATE INDEX ix_refused_entry_at ON engage.refused_entry (at);
"""

BACKTESTS = """
CREATE TABLE engage.backtest (
    id uuid NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    journey_id uuid NOT NULL,
    graph jsonb NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    progress_bps int NOT NULL DEFAULT 0,
    result jsonb,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_backtest PRIMARY KEY (id),
    CONSTRAINT fk_backtest_journey_id FOREIGN KEY (journey_id) REFERENCES engage.journey (id),
    CONSTRAINT ck_backtest_window CHECK (since < until),
    CONSTRAINT ck_backtest_progress CHECK (progress_bps BETWEEN 0 AND 10000),
    CONSTRAINT ck_backtest_state CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    CONSTRAINT ck_backtest_result CHECK ((state = 'done') = (result IS NOT NULL))
);
CREATE INDEX ix_backtest_due_at ON engage.backtest (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ix_backtest_lease_until ON engage.backtest (lease_until) WHERE lease_token IS NOT NULL;
CREATE INDEX ix_backtest_journey_id ON engage.backtest (journey_id, id);

CREATE TABLE engage.backtest_customer (
    backtest_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    entries int NOT NULL,
    messages int NOT NULL,
    vouchers int NOT NULL,
    outcome text NOT NULL,
    CONSTRAINT pk_backtest_customer PRIMARY KEY (backtest_id, customer_id),
    CONSTRAINT fk_backtest_customer_backtest_id FOREIGN KEY (backtest_id) REFERENCES engage.backtest (id)
);
"""

# A walk moves many times and a wait's run is settled once: room on the page keeps those updates off the indexes.
ROOM_FOR_UPDATES = """
ALTER TABLE engage.enrolment SET (fillfactor = 80);
ALTER TABLE engage.step_run SET (fillfactor = 80);
"""

# Those who are held by a journey that stands still, for the moment at which it goes on.
HELD = """
CREATE INDEX ix_enrolment_held ON engage.enrolment (journey_id, id) WHERE due_at = '9999-01-01 00:00:00+00';
"""
