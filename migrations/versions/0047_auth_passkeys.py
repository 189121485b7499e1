"""Passkeys; approvals of payments; and the posting functions' own demand for one over a limit.

Who demands is who moves the value: a door that forgot to ask would be found out here, by every payment and sending that
a customer asks for. What a till asks for, who was shown the customer's rotating code, is exempt.
"""

from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(PASSKEYS)
    op.execute(STEP_UPS)
    op.execute(LIMITS)
    op.execute(COUNTING)
    op.execute(CALLERS)


PASSKEYS = """
CREATE TABLE auth.passkey (
    id uuid CONSTRAINT pk_passkey PRIMARY KEY,
    customer_id uuid CONSTRAINT fk_passkey_customer_id_customer REFERENCES auth.customer,
    staff_id uuid CONSTRAINT fk_passkey_staff_id_staff REFERENCES auth.staff,
    credential_id bytea NOT NULL CONSTRAINT uq_passkey_credential_id UNIQUE,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL CONSTRAINT ck_passkey_sign_count CHECK (sign_count >= 0),
    aaguid uuid NOT NULL,
    transports text[] NOT NULL,
    is_backed_up boolean NOT NULL,
    name bytea,
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    approves_from timestamptz NOT NULL,
    CONSTRAINT ck_passkey_owner CHECK ((customer_id IS NULL) <> (staff_id IS NULL))
);
CREATE INDEX ix_passkey_customer_id ON auth.passkey (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX ix_passkey_staff_id ON auth.passkey (staff_id) WHERE staff_id IS NOT NULL;
CREATE TABLE auth.passkey_ceremony (
    id uuid CONSTRAINT pk_passkey_ceremony PRIMARY KEY,
    purpose text NOT NULL CONSTRAINT ck_passkey_ceremony_purpose CHECK (purpose IN ('register', 'web', 'staff')),
    challenge bytea NOT NULL CONSTRAINT uq_passkey_ceremony_challenge UNIQUE,
    customer_id uuid,
    staff_id uuid,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT ck_passkey_ceremony_owner CHECK (customer_id IS NULL OR staff_id IS NULL)
);
CREATE INDEX ix_passkey_ceremony_expires_at ON auth.passkey_ceremony (expires_at);
"""

STEP_UPS = """
CREATE TABLE auth.step_up (
    id uuid CONSTRAINT pk_step_up PRIMARY KEY,
    customer_id uuid NOT NULL CONSTRAINT fk_step_up_customer_id_customer REFERENCES auth.customer,
    family_id uuid,
    payment_id uuid NOT NULL CONSTRAINT uq_step_up_payment_id UNIQUE,
    purpose text NOT NULL CONSTRAINT ck_step_up_purpose
        CHECK (purpose IN ('payment', 'sending', 'gift_card', 'money_request')),
    amount_minor bigint NOT NULL CONSTRAINT ck_step_up_amount CHECK (amount_minor > 0),
    currency text NOT NULL,
    payee text NOT NULL,
    nonce bytea NOT NULL,
    status text NOT NULL CONSTRAINT ck_step_up_status CHECK (status IN ('waiting', 'approved', 'used', 'void')),
    tries smallint NOT NULL DEFAULT 0 CONSTRAINT ck_step_up_tries CHECK (tries BETWEEN 0 AND 5),
    passkey_id uuid,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    approved_at timestamptz,
    used_at timestamptz,
    CONSTRAINT ck_step_up_used CHECK ((status = 'used') = (used_at IS NOT NULL)),
    CONSTRAINT ck_step_up_approved CHECK (status NOT IN ('approved', 'used') OR approved_at IS NOT NULL)
);
CREATE INDEX ix_step_up_expires_at ON auth.step_up (expires_at);
CREATE INDEX ix_step_up_customer_id ON auth.step_up (customer_id);
"""

# Rules that stand keep what they said: an operator sets from which amount on their brand asks.
LIMITS = """
ALTER TABLE wallet.limit_rule
    ADD step_up_above bigint,
    ADD CONSTRAINT ck_limit_rule_step_up
        CHECK (step_up_above IS NULL OR (step_up_above >= 0 AND scope IN ('pay', 'send')));
"""

# `auth.step_up` sets "customer|currency|amount" for its transaction when it uses an approval up. "wallet.is_remote" is
# set by who posts under another name what a customer asks for: a basket is paid under its till's.
COUNTING = """
CREATE FUNCTION wallet.demand_step_up(place int, customer uuid, used_asset text, amount bigint, above bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    approved text := coalesce(current_setting('wallet.step_up', true), '');
BEGIN
    IF starts_with(approved, customer || '|' || used_asset || '|') AND amount <= split_part(approved, '|', 3)::bigint
    THEN
        RETURN;
    END IF;
    RAISE EXCEPTION 'the customer has to approve this' USING ERRCODE = 'check_violation',
        CONSTRAINT = 'ck_usage_step_up',
        DETAIL = place || '|' || json_build_object('above_minor', above, 'currency', used_asset);
END $$;

DO $$ DECLARE
    known text := pg_get_functiondef('wallet.count_usage'::regproc);
    arguments text := 'amount bigint, at timestamp with time zone, zone text)';
    counts text := 'INSERT INTO wallet.usage AS u VALUES (';
BEGIN
    IF array_length(string_to_array(known, arguments), 1) <> 2 OR array_length(string_to_array(known, counts), 1) <> 2
    THEN
        RAISE EXCEPTION 'wallet.count_usage is not the function that this migration knows';
    END IF;
    DROP FUNCTION wallet.count_usage;
    known := replace(known, arguments, rtrim(arguments, ')') || ', is_remote boolean DEFAULT false)');
    EXECUTE replace(known, counts, $new$IF amount > rule.step_up_above
        AND (is_remote OR current_setting('wallet.is_remote', true) = 'on')
    THEN
        PERFORM wallet.demand_step_up(place, customer, used_asset, amount, rule.step_up_above);
    END IF;

    $new$ || counts);
END $$;
"""

CALLERS = """
DO $$ DECLARE
    place record;
    known text;
BEGIN
    FOR place IN SELECT * FROM (VALUES
        ('wallet.post_one', '_limit_amount, _at, _zone)',
         $new$_limit_amount, _at, _zone,
            starts_with(_principal, 'customer:'))$new$),
        ('wallet.post', 'effective_ats[l.position], zone)',
         $new$effective_ats[l.position], zone,
                                   starts_with(principals[l.position], 'customer:'))$new$)) AS given (called, old, new)
    LOOP
        known := pg_get_functiondef(place.called::regproc);
        IF array_length(string_to_array(known, place.old), 1) <> 2 THEN
            RAISE EXCEPTION '% is not the function that this migration knows', place.called;
        END IF;
        EXECUTE replace(known, place.old, place.new);
    END LOOP;
END $$;
"""
