"""What Engage needs of tables that stand: addresses and birthdays of customers, messages that are asked about once more
before they leave, links with their evidence, and walks that know their arm, their entry and their goal.

`is_held_out` follows from `arm`: a journey's own holdout and the control group over all journeys walk alike.
"""

from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(CUSTOMERS)
    op.execute(MESSAGES)
    op.execute(PROFILES)
    op.execute(JOURNEYS)
    op.execute(ENROLMENTS)
    op.execute(SAID)


# Anyone may type an address; only one may prove it. A birthday is found by the HMAC of its month and day.
CUSTOMERS = """
ALTER TABLE auth.customer
    ADD email bytea, ADD email_index bytea, ADD email_verified_at timestamptz,
    ADD birthday bytea, ADD birthday_index bytea, ADD birthday_set_at timestamptz,
    ADD CONSTRAINT ck_customer_email CHECK (
        (email IS NULL) = (email_index IS NULL) AND (email_verified_at IS NULL OR email IS NOT NULL)),
    ADD CONSTRAINT ck_customer_birthday CHECK ((birthday IS NULL) = (birthday_index IS NULL));
CREATE UNIQUE INDEX uq_customer_email_index ON auth.customer (email_index) WHERE email_verified_at IS NOT NULL;
CREATE INDEX ix_customer_birthday_index ON auth.customer (birthday_index) WHERE birthday_index IS NOT NULL;
"""

MESSAGES = """
ALTER TABLE core.message
    ADD reference uuid, ADD gate jsonb NOT NULL DEFAULT '{}', ADD refused_by text[] NOT NULL DEFAULT '{}',
    ADD country text, ADD called_at timestamptz, ADD opened_at timestamptz, ADD settled_by text,
    DROP CONSTRAINT ck_message_purpose,
    ADD CONSTRAINT ck_message_purpose CHECK (
        purpose IN ('sign_in', 'transactional', 'invitation', 'staff', 'marketing')) NOT VALID;
DROP INDEX core.ix_message_due;
CREATE INDEX ix_message_due ON core.message (channel, purpose, due_at) WHERE state = 'pending';
DROP INDEX core.ix_message_in_doubt;
CREATE INDEX ix_message_in_doubt ON core.message (due_at, id) WHERE state = 'in_doubt';
"""

PROFILES = """
ALTER TABLE insights.subject ADD linked_at timestamptz, ADD linked_by text,
    ADD is_shared boolean NOT NULL DEFAULT false;
ALTER TABLE insights.trait ADD source text NOT NULL DEFAULT 'outside', ADD event_id uuid;
"""

JOURNEYS = """
ALTER TABLE engage.journey
    ADD description text, ADD stage text, ADD draft jsonb, ADD draft_revision int NOT NULL DEFAULT 0, ADD spend jsonb,
    ADD paused_because text,
    ADD outcome_days int NOT NULL DEFAULT 30 CONSTRAINT ck_journey_outcome_days CHECK (outcome_days BETWEEN 1 AND 90);
"""

ENROLMENTS = """
ALTER TABLE engage.enrolment ADD arm text NOT NULL DEFAULT 'treated'
    CONSTRAINT ck_enrolment_arm CHECK (arm IN ('treated', 'holdout', 'control'));
UPDATE engage.enrolment SET arm = 'holdout' WHERE is_held_out;
ALTER TABLE engage.enrolment
    DROP COLUMN is_held_out,
    ADD is_held_out boolean NOT NULL GENERATED ALWAYS AS (arm <> 'treated') STORED,
    ADD context jsonb NOT NULL DEFAULT '{}', ADD variants jsonb NOT NULL DEFAULT '{}',
    ADD is_exclusive boolean NOT NULL DEFAULT false,
    ADD goal_until timestamptz, ADD converted_at timestamptz, ADD conversion jsonb, ADD moved_from uuid,
    SET (fillfactor = 80);
DROP INDEX engage.ix_enrolment_awaiting;
CREATE INDEX ix_enrolment_live ON engage.enrolment (customer_id) WHERE state <> 'ended' OR goal_until IS NOT NULL;
CREATE UNIQUE INDEX uq_enrolment_open ON engage.enrolment (journey_id, customer_id)
    WHERE state <> 'ended' AND is_exclusive;
CREATE INDEX ix_enrolment_version_id ON engage.enrolment (version_id, id) WHERE state <> 'ended';
CREATE INDEX ix_enrolment_goal_until ON engage.enrolment (goal_until) WHERE goal_until IS NOT NULL;
ALTER TABLE engage.step_run ADD variant text, SET (fillfactor = 80);
CREATE INDEX ix_step_run_voucher_id ON engage.step_run (voucher_id) WHERE voucher_id IS NOT NULL;
"""

SAID = """
ALTER TABLE engage.consent ADD wording_id uuid, DROP CONSTRAINT ck_consent_channel,
    ADD CONSTRAINT ck_consent_channel CHECK (channel IN ('push', 'sms', 'whatsapp', 'email'));
ALTER TABLE engage.inbox_item ADD reference uuid, ADD expires_at timestamptz;
"""
