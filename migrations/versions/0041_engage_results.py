"""What journeys, broadcasts and campaigns brought: tallies, what each customer did after entering, the plan that an
effect is measured by, and what a message costs.

The two big tables are counted from the log by a reader, so they can be built again from it. A plan is written once:
were it changed after the first look, the intervals that follow from it would promise nothing.
"""

from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(TALLIES)
    op.execute(OUTCOMES)
    op.execute(PRICES)


# Few rows that change often: room on each page keeps the changes out of the index. A word that may be missing is '',
# since a key cannot hold NULL.
TALLIES = """
CREATE TABLE engage.tally (
    scope text CONSTRAINT ck_tally_scope CHECK (scope IN ('journey', 'broadcast', 'campaign')),
    scope_id uuid, step text, variant text, arm text, channel text, country text, measure text, day date, currency text,
    count bigint NOT NULL,
    amount_minor bigint NOT NULL,
    CONSTRAINT pk_tally PRIMARY KEY (scope, scope_id, step, variant, arm, channel, country, measure, day, currency)
) WITH (fillfactor = 70);
CREATE TABLE engage.response (
    reference uuid, what text, at timestamptz NOT NULL,
    CONSTRAINT pk_response PRIMARY KEY (reference, what)
);
CREATE INDEX ix_response_at ON engage.response (at);
"""

OUTCOMES = """
CREATE TABLE engage.outcome (
    scope text CONSTRAINT ck_outcome_scope CHECK (scope IN ('journey', 'broadcast', 'campaign')),
    scope_id uuid, customer_id uuid,
    arm text NOT NULL CONSTRAINT ck_outcome_arm CHECK (arm IN ('treated', 'holdout', 'control')),
    variant text NOT NULL DEFAULT '',
    trial uuid,
    entered_at timestamptz NOT NULL,
    ripe_at timestamptz NOT NULL,
    orders int NOT NULL CONSTRAINT ck_outcome_orders CHECK (orders >= 0),
    revenue_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    redeemed_minor bigint NOT NULL,
    is_converted boolean NOT NULL,
    CONSTRAINT pk_outcome PRIMARY KEY (scope, scope_id, customer_id),
    CONSTRAINT ck_outcome_ripe CHECK (ripe_at > entered_at)
) WITH (fillfactor = 80);
CREATE INDEX ix_outcome_customer_id ON engage.outcome (customer_id, ripe_at);
CREATE TABLE engage.effect_plan (
    scope text CONSTRAINT ck_effect_plan_scope CHECK (scope IN ('journey', 'broadcast', 'campaign')),
    scope_id uuid,
    planned_at timestamptz NOT NULL,
    customers int NOT NULL CONSTRAINT ck_effect_plan_customers CHECK (customers > 0),
    held_bps int NOT NULL CONSTRAINT ck_effect_plan_held CHECK (held_bps BETWEEN 0 AND 10000),
    outcome_days int NOT NULL CONSTRAINT ck_effect_plan_days CHECK (outcome_days BETWEEN 1 AND 90),
    currency text NOT NULL,
    bound_minor bigint NOT NULL CONSTRAINT ck_effect_plan_bound CHECK (bound_minor > 0),
    mean_minor double precision NOT NULL,
    deviation_minor double precision NOT NULL,
    buyers double precision NOT NULL CONSTRAINT ck_effect_plan_buyers CHECK (buyers BETWEEN 0 AND 1),
    CONSTRAINT pk_effect_plan PRIMARY KEY (scope, scope_id)
);
CREATE TRIGGER effect_plan_is_written_once BEFORE UPDATE OR DELETE ON engage.effect_plan
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TABLE engage.order_history (
    currency text, days int, asked_at timestamptz, as_of timestamptz,
    stretches bigint NOT NULL,
    customers int NOT NULL,
    bound_minor bigint NOT NULL,
    mean_minor double precision NOT NULL,
    deviation_minor double precision NOT NULL,
    buyers double precision NOT NULL,
    CONSTRAINT pk_order_history PRIMARY KEY (currency, days)
);
CREATE TABLE engage.broadcast_count (
    id uuid CONSTRAINT pk_broadcast_count PRIMARY KEY,
    counted_to uuid,
    state text NOT NULL CONSTRAINT ck_broadcast_count_state CHECK (state IN ('waiting', 'done')),
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT ck_broadcast_count_due CHECK ((state = 'done') = (due_at IS NULL))
);
CREATE INDEX ix_broadcast_count_due_at ON engage.broadcast_count (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE engage.campaign_count (
    id uuid CONSTRAINT pk_campaign_count PRIMARY KEY,
    campaign_id uuid NOT NULL,
    audience_id uuid NOT NULL,
    reached uuid NOT NULL,
    begun_at timestamptz NOT NULL,
    held_bps int NOT NULL CONSTRAINT ck_campaign_count_held CHECK (held_bps BETWEEN 0 AND 10000),
    salt uuid NOT NULL,
    counted_to uuid,
    state text NOT NULL CONSTRAINT ck_campaign_count_state CHECK (state IN ('waiting', 'done')),
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT ck_campaign_count_due CHECK ((state = 'done') = (due_at IS NULL))
);
CREATE INDEX ix_campaign_count_due_at ON engage.campaign_count (due_at) WHERE due_at IS NOT NULL;
"""

# '' for any country that has no price of its own.
PRICES = """
CREATE TABLE engage.message_price (
    channel text CONSTRAINT ck_message_price_channel CHECK (channel IN ('push', 'sms', 'whatsapp', 'email')),
    country text CONSTRAINT ck_message_price_country CHECK (country ~ '^([A-Z]{2})?$'),
    since date,
    currency text NOT NULL,
    micros bigint NOT NULL CONSTRAINT ck_message_price_micros CHECK (micros >= 0),
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    CONSTRAINT pk_message_price PRIMARY KEY (channel, country, since)
);
"""
