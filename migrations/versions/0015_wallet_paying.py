"""Paying at tills and by scanned codes: payment requests, and the order in which a customer's sources pay.

A request's payment is posted under its till's reference, so the ledger's own key is what lets it be paid once; the row
says so a second time.
"""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(REQUESTS)
    op.execute(PREFERENCES)


REQUESTS = """
CREATE TABLE wallet.payment_request (
    id uuid CONSTRAINT pk_payment_request PRIMARY KEY,
    merchant_id uuid NOT NULL,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    till_reference text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    tip_allowed boolean NOT NULL,
    state text NOT NULL DEFAULT 'open',
    payment_id uuid,
    tip_minor bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT uq_payment_request_terminal_id_till_reference UNIQUE (terminal_id, till_reference),
    CONSTRAINT uq_payment_request_payment_id UNIQUE (payment_id),
    CONSTRAINT ck_payment_request_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_payment_request_tip CHECK (tip_minor = 0 OR tip_minor > 0 AND tip_allowed),
    CONSTRAINT ck_payment_request_state CHECK (state IN ('open', 'paid', 'cancelled')),
    CONSTRAINT ck_payment_request_paid CHECK ((state = 'paid') = (payment_id IS NOT NULL)),
    CONSTRAINT ck_payment_request_closed CHECK ((state = 'open') = (closed_at IS NULL)),
    CONSTRAINT ck_payment_request_expiry CHECK (expires_at > created_at)
);
"""

PREFERENCES = """
CREATE TABLE wallet.payment_preference (
    customer_id uuid CONSTRAINT pk_payment_preference PRIMARY KEY,
    sources text[] NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT ck_payment_preference_sources CHECK (
        cardinality(sources) > 0 AND sources <@ ARRAY['promotional', 'gift_card', 'points', 'cash'])
);
"""
