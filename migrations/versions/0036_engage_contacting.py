"""Consent that can be proved, the policy of when and how often customers are written to, and what they write back.

What a customer said last stands in `engage.consent`; all that they ever said, in which words they were asked and where,
stands in `engage.consent_record`, written once. An opt-out belongs to a number, whoever has it or will have it.
"""

from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(CONSENTS)
    op.execute(SAID_BEFORE)
    op.execute(POLICY)
    op.execute(INCOMING)
    op.execute(EMAIL)


# The foreign key is NOT VALID, so that no long look at the consents that stand holds anybody up: none has a wording.
CONSENTS = """
CREATE TABLE engage.wording (
    id uuid CONSTRAINT pk_wording PRIMARY KEY,
    channel text NOT NULL CONSTRAINT ck_wording_channel CHECK (channel IN ('push', 'sms', 'whatsapp', 'email')),
    purpose text NOT NULL CONSTRAINT ck_wording_purpose CHECK (purpose IN ('transactional', 'marketing')),
    locale text NOT NULL,
    text text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL
);
CREATE INDEX ix_wording_channel_purpose_locale_id ON engage.wording (channel, purpose, locale, id);
CREATE TRIGGER wording_written_once BEFORE UPDATE OR DELETE ON engage.wording
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();

ALTER TABLE engage.consent ADD CONSTRAINT fk_consent_wording_id
    FOREIGN KEY (wording_id) REFERENCES engage.wording (id) NOT VALID;

-- seq is drawn under the lock of the customer's row of `consent`, so it tells in which order they said what they said;
-- ids are drawn before it.
CREATE TABLE engage.consent_record (
    id uuid CONSTRAINT pk_consent_record PRIMARY KEY,
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    customer_id uuid NOT NULL,
    channel text NOT NULL CONSTRAINT ck_consent_record_channel CHECK (channel IN ('push', 'sms', 'whatsapp', 'email')),
    purpose text NOT NULL CONSTRAINT ck_consent_record_purpose CHECK (purpose IN ('transactional', 'marketing')),
    is_granted boolean NOT NULL,
    source text NOT NULL,
    wording_id uuid CONSTRAINT fk_consent_record_wording_id REFERENCES engage.wording (id),
    evidence jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL
);
CREATE INDEX ix_consent_record_customer_id_seq ON engage.consent_record (customer_id, seq);
CREATE TRIGGER consent_record_written_once BEFORE UPDATE OR DELETE ON engage.consent_record
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();

CREATE TABLE engage.opt_out (
    address_index bytea NOT NULL,
    channel text NOT NULL CONSTRAINT ck_opt_out_channel CHECK (channel IN ('sms', 'whatsapp')),
    at timestamptz NOT NULL,
    source text NOT NULL,
    CONSTRAINT pk_opt_out PRIMARY KEY (address_index, channel)
);
"""

# What customers had said last before records were kept; what they said before that stands in the log.
SAID_BEFORE = """
INSERT INTO engage.consent_record (id, customer_id, channel, purpose, is_granted, source, at)
SELECT gen_random_uuid(), customer_id, channel, purpose, is_granted, source, at FROM engage.consent ORDER BY at;
"""

POLICY = """
CREATE TABLE engage.policy (
    revision int CONSTRAINT pk_policy PRIMARY KEY,
    terms jsonb NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT ck_policy_revision CHECK (revision > 0)
);
CREATE TRIGGER policy_written_once BEFORE UPDATE OR DELETE ON engage.policy
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();

-- No index on `used`, so that counting stays within its page.
CREATE TABLE engage.cap_count (
    customer_id uuid NOT NULL,
    cap text NOT NULL,
    bucket text NOT NULL,
    used int NOT NULL,
    most int NOT NULL,
    ends_on date NOT NULL,
    CONSTRAINT pk_cap_count PRIMARY KEY (customer_id, cap, bucket),
    CONSTRAINT ck_cap_count_used CHECK (used BETWEEN 0 AND most)
) WITH (fillfactor = 70);
CREATE INDEX ix_cap_count_ends_on ON engage.cap_count (ends_on);
"""

INCOMING = """
CREATE TABLE engage.incoming_window (
    customer_id uuid NOT NULL,
    channel text NOT NULL CONSTRAINT ck_incoming_window_channel CHECK (channel IN ('sms', 'whatsapp')),
    last_at timestamptz NOT NULL,
    CONSTRAINT pk_incoming_window PRIMARY KEY (customer_id, channel)
);

CREATE TABLE engage.incoming_receipt (
    provider text NOT NULL,
    provider_message_id text NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_incoming_receipt PRIMARY KEY (provider, provider_message_id)
);
CREATE INDEX ix_incoming_receipt_received_at ON engage.incoming_receipt (received_at);
"""

EMAIL = """
CREATE TABLE auth.email_proof (
    customer_id uuid CONSTRAINT pk_email_proof PRIMARY KEY
        CONSTRAINT fk_email_proof_customer_id REFERENCES auth.customer (id),
    email bytea NOT NULL,
    code bytea NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    CONSTRAINT ck_email_proof_attempts CHECK (attempts BETWEEN 0 AND 5)
);
CREATE INDEX ix_email_proof_expires_at ON auth.email_proof (expires_at);
"""
