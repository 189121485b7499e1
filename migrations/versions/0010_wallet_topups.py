"""Top-ups through a card provider: what the app completes, notices, refunds, disputes, automatic top-ups.

Money that went back at the provider is kept as the provider tells it (`told_refunded_minor`, a dispute's status), apart
from what has been taken from the customer for it (`refunded_minor`, `clawed_minor`): notices come in any order, so each
only moves what is told forward, and due work brings the rest after.
"""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(TOPUPS)
    op.execute(PAYERS)
    op.execute(NOTICES)
    op.execute(BACK)
    op.execute(AUTOMATIC)


TOPUPS = """
ALTER TABLE wallet.topup
    ALTER source DROP NOT NULL,
    ADD way text NOT NULL DEFAULT 'source',
    ADD payer text,
    ADD refunded_minor bigint NOT NULL DEFAULT 0,
    ADD told_refunded_minor bigint NOT NULL DEFAULT 0,
    ADD claw_due_at timestamptz,
    DROP CONSTRAINT ck_topup_state,
    ADD CONSTRAINT ck_topup_state
        CHECK (state IN ('pending', 'requires_action', 'succeeded', 'failed', 'in_doubt')),
    ADD CONSTRAINT ck_topup_way CHECK (way IN ('source', 'sheet', 'automatic')),
    ADD CONSTRAINT ck_topup_source CHECK ((way = 'sheet') = (source IS NULL)),
    ADD CONSTRAINT ck_topup_refund_cap CHECK (refunded_minor BETWEEN 0 AND amount_minor),
    ADD CONSTRAINT ck_topup_told_refunded CHECK (told_refunded_minor >= 0),
    ADD CONSTRAINT uq_topup_provider_reference UNIQUE (provider_reference);
CREATE INDEX ix_topup_claw_due_at ON wallet.topup (claw_due_at) WHERE claw_due_at IS NOT NULL;
-- Those that somebody has to look at stand among millions that nobody has to.
CREATE INDEX ix_topup_state_id ON wallet.topup (state, id)
    WHERE state IN ('pending', 'requires_action', 'in_doubt');
CREATE INDEX ix_topup_customer_id_id ON wallet.topup (customer_id, id);
"""

PAYERS = """
CREATE TABLE wallet.payer (
    customer_id uuid NOT NULL,
    provider text NOT NULL,
    provider_reference text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_payer PRIMARY KEY (customer_id, provider),
    CONSTRAINT uq_payer_provider_provider_reference UNIQUE (provider, provider_reference)
);
"""

NOTICES = """
-- A provider's notice, kept once under the provider's own id; facts hold ids and amounts only.
CREATE TABLE wallet.provider_notice (
    id uuid CONSTRAINT pk_provider_notice PRIMARY KEY,
    provider text NOT NULL,
    notice_id text NOT NULL,
    kind text NOT NULL,
    facts jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT uq_provider_notice_provider_notice_id UNIQUE (provider, notice_id),
    CONSTRAINT ck_provider_notice_state CHECK (state IN ('done', 'waiting', 'ignored'))
);
CREATE INDEX ix_provider_notice_due_at ON wallet.provider_notice (due_at) WHERE due_at IS NOT NULL;
"""

BACK = """
CREATE TABLE wallet.topup_refund (
    id uuid CONSTRAINT pk_topup_refund PRIMARY KEY,
    topup_id uuid NOT NULL CONSTRAINT fk_topup_refund_topup_id REFERENCES wallet.topup (id),
    amount_minor bigint NOT NULL,
    provider_reference text,
    decline_code text,
    actor text NOT NULL,
    created_at timestamptz NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT ck_topup_refund_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_topup_refund_state CHECK (state IN ('pending', 'succeeded', 'failed', 'in_doubt'))
);
CREATE INDEX ix_topup_refund_topup_id ON wallet.topup_refund (topup_id);
CREATE INDEX ix_topup_refund_due_at ON wallet.topup_refund (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE wallet.dispute (
    provider_reference text CONSTRAINT pk_dispute PRIMARY KEY,
    topup_id uuid NOT NULL CONSTRAINT fk_dispute_topup_id REFERENCES wallet.topup (id),
    amount_minor bigint NOT NULL,
    status text NOT NULL,
    reason text,
    clawed_minor bigint NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL,
    CONSTRAINT ck_dispute_status CHECK (status IN ('inquiry', 'open', 'lost', 'won')),
    CONSTRAINT ck_dispute_amount CHECK (amount_minor >= 0),
    CONSTRAINT ck_dispute_clawed CHECK (clawed_minor >= 0)
);
CREATE INDEX ix_dispute_topup_id ON wallet.dispute (topup_id);
"""

AUTOMATIC = """
CREATE TABLE wallet.auto_topup (
    id uuid CONSTRAINT pk_auto_topup PRIMARY KEY,
    customer_id uuid NOT NULL,
    currency text NOT NULL,
    below_minor bigint NOT NULL,
    amount_minor bigint NOT NULL,
    payment_method text NOT NULL,
    declines int NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT uq_auto_topup_customer_id UNIQUE (customer_id),
    CONSTRAINT ck_auto_topup_below CHECK (below_minor > 0),
    CONSTRAINT ck_auto_topup_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_auto_topup_declines CHECK (declines >= 0),
    CONSTRAINT ck_auto_topup_state CHECK (state IN ('active', 'charging', 'paused'))
);
CREATE INDEX ix_auto_topup_due_at ON wallet.auto_topup (due_at) WHERE due_at IS NOT NULL;
-- Every poll looks for charges whose worker died, among millions of wishes at rest.
CREATE INDEX ix_auto_topup_leased ON wallet.auto_topup (lease_until) WHERE lease_token IS NOT NULL;
"""
