"""Simulations: a campaign played over past baskets before it starts, in the background and with its progress."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(SIMULATIONS)


SIMULATIONS = """
CREATE TABLE rewards.simulation (
    id uuid CONSTRAINT pk_simulation PRIMARY KEY,
    campaign_id uuid NOT NULL CONSTRAINT fk_simulation_campaign_id REFERENCES rewards.campaign (id),
    revision int NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    take_up_bps int NOT NULL,
    progress_bps int NOT NULL DEFAULT 0,
    result jsonb,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    state text NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT ck_simulation_window CHECK (since < until),
    CONSTRAINT ck_simulation_take_up CHECK (take_up_bps BETWEEN 1 AND 10000),
    CONSTRAINT ck_simulation_progress CHECK (progress_bps BETWEEN 0 AND 10000),
    CONSTRAINT ck_simulation_state CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    CONSTRAINT ck_simulation_result CHECK ((state = 'done') = (result IS NOT NULL))
);
CREATE INDEX ix_simulation_due_at ON rewards.simulation (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ix_simulation_lease_until ON rewards.simulation (lease_until) WHERE lease_token IS NOT NULL;
CREATE INDEX ix_simulation_campaign_id_id ON rewards.simulation (campaign_id, id);
"""
