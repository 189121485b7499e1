"""The tables of insights: what the log's readers keep of each customer and of each anonymous subject.

No foreign keys to auth.customer: all of this is built from the log, which may name customers that are gone.
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(SEEN)
    op.execute(KNOWN)


_SIGHTED = """
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    considered_at timestamptz,
    touch_at timestamptz,
    touch_event_id uuid,
    touch_source text,
    touch_medium text,
    touch_campaign text
"""

SEEN = f"""
CREATE TABLE insights.profile (
    customer_id uuid CONSTRAINT pk_profile PRIMARY KEY,
    {_SIGHTED},
    orders int NOT NULL DEFAULT 0 CONSTRAINT ck_profile_orders CHECK (orders >= 0),
    first_order_at timestamptz,
    last_order_at timestamptz,
    phase text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN orders > 1 THEN 'retention' WHEN orders = 1 THEN 'purchase'
             WHEN considered_at IS NOT NULL THEN 'consideration' ELSE 'discovery' END) STORED
) WITH (fillfactor = 80);
CREATE INDEX ix_profile_phase ON insights.profile (phase);

CREATE TABLE insights.subject (
    subject_id text CONSTRAINT pk_subject PRIMARY KEY,
    customer_id uuid,
    {_SIGHTED}
);
CREATE INDEX ix_subject_customer_id ON insights.subject (customer_id);
"""

KNOWN = """
CREATE TABLE insights.revenue (
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    ordered_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    CONSTRAINT pk_revenue PRIMARY KEY (customer_id, currency)
) WITH (fillfactor = 80);

CREATE TABLE insights.trait (
    customer_id uuid NOT NULL,
    name text NOT NULL,
    value jsonb NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT pk_trait PRIMARY KEY (customer_id, name)
);
"""
