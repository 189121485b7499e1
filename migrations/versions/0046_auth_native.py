"""Signing in within the app by more than a texted code, what keeps codes from being pumped, numbers that change, and
how often anybody may ask for anything.
"""

from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(SIGN_INS)
    op.execute(PUMPING)
    op.execute(NUMBERS)
    op.execute(LIMITS)
    op.execute(RATES)


# challenge: the passkey's, or the nonce that Apple or Google has to repeat; it is used up when it is answered.
# identity: who Apple or Google says it is, sealed under the row's own key, until a number is proved for it.
# Every attempt that stands there was sent its one code when it was made.
SIGN_INS = """
ALTER TABLE auth.sign_in
    ALTER client_id DROP NOT NULL,
    ALTER phone DROP NOT NULL,
    ALTER otp DROP NOT NULL,
    ALTER code_challenge DROP NOT NULL,
    ADD purpose text NOT NULL DEFAULT 'sign_in'
        CONSTRAINT ck_sign_in_purpose CHECK (purpose IN ('sign_in', 'web', 'number', 'recovery')),
    ADD method text NOT NULL DEFAULT 'phone'
        CONSTRAINT ck_sign_in_method CHECK (method IN ('phone', 'passkey', 'apple', 'google')),
    ADD channel text NOT NULL DEFAULT 'sms' CONSTRAINT ck_sign_in_channel CHECK (channel IN ('sms', 'whatsapp')),
    ADD scope text NOT NULL DEFAULT '',
    ADD jkt bytea,
    ADD challenge bytea,
    ADD identity bytea,
    ADD customer_id uuid CONSTRAINT fk_sign_in_customer_id_customer REFERENCES auth.customer,
    ADD device_id text,
    ADD sent_at timestamptz,
    ADD resent smallint NOT NULL DEFAULT 0 CONSTRAINT ck_sign_in_resent CHECK (resent BETWEEN 0 AND 3);
UPDATE auth.sign_in SET sent_at = created_at;
ALTER TABLE auth.sign_in
    ADD CONSTRAINT ck_sign_in_sent CHECK ((otp IS NULL) = (sent_at IS NULL) AND (otp IS NULL OR phone IS NOT NULL));
CREATE INDEX ix_sign_in_customer_id ON auth.sign_in (customer_id) WHERE customer_id IS NOT NULL;
"""

# What was sent and used in each five minutes; a scope is a country or a prefix. A stop that has ended stays for a
# while and counts what is sent on trial.
PUMPING = """
CREATE TABLE auth.otp_tally (
    scope text,
    period timestamptz,
    sent int NOT NULL,
    used int NOT NULL,
    CONSTRAINT pk_otp_tally PRIMARY KEY (scope, period)
) WITH (fillfactor = 50);
CREATE INDEX ix_otp_tally_period ON auth.otp_tally (period);
CREATE TABLE auth.otp_stop (
    scope text CONSTRAINT pk_otp_stop PRIMARY KEY,
    until timestamptz NOT NULL,
    because text NOT NULL CONSTRAINT ck_otp_stop_because CHECK (because IN ('unused', 'staff')),
    stopped_at timestamptz NOT NULL,
    sent int NOT NULL DEFAULT 0,
    used int NOT NULL DEFAULT 0
);
"""

NUMBERS = """
CREATE TABLE auth.number_change (
    id uuid CONSTRAINT pk_number_change PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT fk_number_change_customer_id_customer REFERENCES auth.customer,
    phone bytea,
    phone_index bytea,
    how text NOT NULL CONSTRAINT ck_number_change_how CHECK (how IN ('fresh', 'recovery', 'staff')),
    asked_at timestamptz NOT NULL,
    takes_effect_at timestamptz NOT NULL,
    ended text CONSTRAINT ck_number_change_ended CHECK (ended IN ('done', 'cancelled', 'taken')),
    ended_at timestamptz,
    CONSTRAINT ck_number_change_open CHECK ((ended IS NULL) = (ended_at IS NULL)),
    CONSTRAINT ck_number_change_phone
        CHECK ((ended IS NULL) = (phone IS NOT NULL) AND (ended IS NULL) = (phone_index IS NOT NULL))
);
CREATE UNIQUE INDEX uq_number_change_open ON auth.number_change (customer_id) WHERE ended IS NULL;
CREATE INDEX ix_number_change_customer_id ON auth.number_change (customer_id, id);
CREATE INDEX ix_number_change_takes_effect_at ON auth.number_change (takes_effect_at) WHERE ended IS NULL;
"""

# Counts one more for each subject in turn, up to the first that may have no more; its place, or 0.
LIMITS = """
CREATE FUNCTION auth.count_limits(subjects bytea[], ends timestamptz[], mosts int[]) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
    counted int;
BEGIN
    FOR place IN 1 .. cardinality(subjects) LOOP
        INSERT INTO auth.limit_counter AS c (subject, ends_at, count) VALUES (subjects[place], ends[place], 1)
        ON CONFLICT (subject, ends_at) DO UPDATE SET count = c.count + 1
        RETURNING count INTO counted;
        IF counted > mosts[place] THEN
            RETURN place;
        END IF;
    END LOOP;
    RETURN 0;
END $$;
"""

# What all processes together were asked, a row a subject and minute; processes add their sums once a second.
RATES = """
CREATE TABLE core.rate (
    subject bytea,
    minute timestamptz,
    count int NOT NULL,
    CONSTRAINT pk_rate PRIMARY KEY (subject, minute)
) WITH (fillfactor = 50);
CREATE INDEX ix_rate_minute ON core.rate (minute);
"""
