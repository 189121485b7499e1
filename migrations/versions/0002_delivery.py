"""Messages that wait to be sent.

Partitioned by month on the UUIDv7 id: messages are the second table after `event` that only grows. The three partial
indexes are what a worker asks for: what is due, whose lease was lost, and what an operator must settle.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(MESSAGE)


MESSAGE = """
CREATE TABLE core.message (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    channel text NOT NULL,
    purpose text NOT NULL,
    address_id uuid,
    recipient bytea NOT NULL,
    content bytea NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    provider text,
    provider_message_id text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    sent_at timestamptz,
    delivered_at timestamptz,
    caused_by uuid,
    depth smallint NOT NULL DEFAULT 0,
    trace text,
    CONSTRAINT pk_message PRIMARY KEY (id),
    CONSTRAINT ck_message_channel CHECK (channel IN ('push', 'sms', 'whatsapp', 'email')),
    CONSTRAINT ck_message_purpose CHECK (purpose IN ('sign_in', 'transactional', 'marketing')),
    CONSTRAINT ck_message_state CHECK (
        state IN ('pending', 'claimed', 'sending', 'sent', 'delivered', 'failed', 'in_doubt', 'suppressed')),
    CONSTRAINT ck_message_due CHECK (state <> 'pending' OR due_at IS NOT NULL),
    CONSTRAINT ck_message_lease CHECK (
        (state IN ('claimed', 'sending')) = (lease_token IS NOT NULL)
        AND (lease_token IS NULL) = (lease_until IS NULL))
) PARTITION BY RANGE (id);

CREATE INDEX ix_message_due ON core.message (purpose, due_at) WHERE state = 'pending';
CREATE INDEX ix_message_leased ON core.message (lease_until) WHERE lease_token IS NOT NULL;
CREATE INDEX ix_message_in_doubt ON core.message (id) WHERE state = 'in_doubt';
CREATE INDEX ix_message_customer ON core.message (customer_id, id);

INSERT INTO core.month_partitioned VALUES ('core.message');
SELECT core.ensure_month_partitions(clock_timestamp(), 3);
"""
