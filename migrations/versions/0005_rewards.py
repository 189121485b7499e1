"""The tables of rewards: products, campaigns with their scopes and limits, vouchers, redemptions, checkouts.

Value never stands here: a campaign's budget and a gift card's value are accounts of the ledger. What stands here is who
may use what, how often it was used, and by which transfer. An audience is a table of its own, because a mailing of many
coupons goes to the same customers: a copy for each coupon would be a hundred times as many rows.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(CAMPAIGNS)
    op.execute(VOUCHERS)
    op.execute(TILLS)


CAMPAIGNS = """
CREATE TABLE rewards.product (
    sku text CONSTRAINT pk_product PRIMARY KEY,
    name text NOT NULL,
    department text,
    category text NOT NULL,
    brand text,
    size text
);

CREATE TABLE rewards.audience (
    id uuid CONSTRAINT pk_audience PRIMARY KEY,
    created_at timestamptz NOT NULL
);

CREATE TABLE rewards.audience_member (
    audience_id uuid NOT NULL CONSTRAINT fk_audience_member_audience_id REFERENCES rewards.audience (id),
    customer_id uuid NOT NULL,
    CONSTRAINT pk_audience_member PRIMARY KEY (audience_id, customer_id)
);

CREATE TABLE rewards.campaign (
    id uuid CONSTRAINT pk_campaign PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL CONSTRAINT ck_campaign_kind CHECK (kind IN ('coupon', 'gift_card')),
    discount jsonb NOT NULL,
    currency text NOT NULL,
    is_scoped boolean NOT NULL,
    min_spend_minor bigint NOT NULL CONSTRAINT ck_campaign_min_spend CHECK (min_spend_minor >= 0),
    limit_total int CONSTRAINT ck_campaign_limit_total CHECK (limit_total > 0),
    limit_per_customer int CONSTRAINT ck_campaign_limit_per_customer CHECK (limit_per_customer > 0),
    audience_id uuid CONSTRAINT fk_campaign_audience_id REFERENCES rewards.audience (id),
    voucher_days int CONSTRAINT ck_campaign_voucher_days CHECK (voucher_days > 0),
    state text NOT NULL CONSTRAINT ck_campaign_state CHECK (state IN ('draft', 'running', 'paused', 'ended')),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT ck_campaign_window CHECK (starts_at < ends_at)
);

CREATE TABLE rewards.campaign_sku (
    campaign_id uuid NOT NULL CONSTRAINT fk_campaign_sku_campaign_id REFERENCES rewards.campaign (id),
    sku text NOT NULL,
    CONSTRAINT pk_campaign_sku PRIMARY KEY (campaign_id, sku)
);

-- scope is 'total' or 'customer:<id>'. The CHECK stands behind the code that counts: no race can pass it.
CREATE TABLE rewards.counter (
    campaign_id uuid NOT NULL CONSTRAINT fk_counter_campaign_id REFERENCES rewards.campaign (id),
    scope text NOT NULL,
    used int NOT NULL CONSTRAINT ck_counter_used CHECK (used >= 0),
    cap int NOT NULL,
    CONSTRAINT pk_counter PRIMARY KEY (campaign_id, scope),
    CONSTRAINT ck_counter_cap CHECK (used <= cap)
) WITH (fillfactor = 70);
"""

VOUCHERS = """
-- customer_id is null for a generic code, which anyone may show. source names the one cause that a voucher is given
-- for ("step_run:<id>"), so giving it again gives the same voucher.
CREATE TABLE rewards.voucher (
    id uuid CONSTRAINT pk_voucher PRIMARY KEY,
    campaign_id uuid NOT NULL CONSTRAINT fk_voucher_campaign_id REFERENCES rewards.campaign (id),
    customer_id uuid,
    code_index bytea NOT NULL CONSTRAINT uq_voucher_code_index UNIQUE,
    code_ciphertext bytea NOT NULL,
    last4 text NOT NULL,
    state text NOT NULL CONSTRAINT ck_voucher_state CHECK (state IN ('active', 'used_up')),
    used int NOT NULL CONSTRAINT ck_voucher_used CHECK (used >= 0),
    source text NOT NULL CONSTRAINT uq_voucher_source UNIQUE,
    expires_at timestamptz,
    issued_at timestamptz NOT NULL
);
CREATE INDEX ix_voucher_customer_id_id ON rewards.voucher (customer_id, id);
CREATE INDEX ix_voucher_campaign_id ON rewards.voucher (campaign_id);
"""

TILLS = """
CREATE TABLE rewards.checkout (
    id uuid CONSTRAINT pk_checkout PRIMARY KEY,
    customer_id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    till_reference text NOT NULL,
    fingerprint bytea NOT NULL,
    total_minor bigint NOT NULL,
    discount_minor bigint NOT NULL,
    gift_minor bigint NOT NULL,
    paid_minor bigint NOT NULL,
    currency text NOT NULL,
    transfer_id uuid,
    completed_at timestamptz NOT NULL,
    CONSTRAINT uq_checkout_terminal_id_till_reference UNIQUE (terminal_id, till_reference),
    CONSTRAINT ck_checkout_parts CHECK (total_minor = discount_minor + gift_minor + paid_minor
        AND discount_minor >= 0 AND gift_minor >= 0 AND paid_minor >= 0)
);
CREATE INDEX ix_checkout_customer_id_completed_at ON rewards.checkout (customer_id, completed_at);

CREATE TABLE rewards.redemption (
    id uuid CONSTRAINT pk_redemption PRIMARY KEY,
    voucher_id uuid NOT NULL CONSTRAINT fk_redemption_voucher_id REFERENCES rewards.voucher (id),
    campaign_id uuid NOT NULL CONSTRAINT fk_redemption_campaign_id REFERENCES rewards.campaign (id),
    customer_id uuid,
    merchant_id uuid NOT NULL,
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    till_reference text NOT NULL,
    amount_minor bigint NOT NULL CONSTRAINT ck_redemption_amount CHECK (amount_minor >= 0),
    currency text NOT NULL,
    transfer_id uuid,
    checkout_id uuid CONSTRAINT fk_redemption_checkout_id REFERENCES rewards.checkout (id),
    state text NOT NULL CONSTRAINT ck_redemption_state CHECK (state IN ('succeeded', 'rolled_back')),
    redeemed_at timestamptz NOT NULL
);
CREATE INDEX ix_redemption_voucher_id ON rewards.redemption (voucher_id);
CREATE INDEX ix_redemption_campaign_id ON rewards.redemption (campaign_id);
CREATE INDEX ix_redemption_checkout_id ON rewards.redemption (checkout_id);
-- A basket of several vouchers repeats its till's reference; a redemption by itself has one of its own.
CREATE UNIQUE INDEX uq_redemption_terminal_id_till_reference ON rewards.redemption (terminal_id, till_reference)
    WHERE checkout_id IS NULL;
"""
