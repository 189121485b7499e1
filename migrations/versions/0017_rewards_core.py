"""Rewards whose campaigns follow rules, limits by period and schedules, and whose uses can be rolled back: the core.

The catalogue's one row counts the changes of campaigns in the order of their commits, so that a process knows with one
read whether what it has compiled still holds. A counter counts for a scope, a measure and a period's bucket, and a
redemption keeps what it counted, so that a rollback gives it back to the very bucket.
"""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '600s'")
    op.execute(CAMPAIGNS)
    op.execute(COUNTERS)
    op.execute(VOUCHERS)
    op.execute(TILLS)


CAMPAIGNS = """
CREATE TABLE rewards.catalogue (
    is_only boolean CONSTRAINT pk_catalogue PRIMARY KEY DEFAULT true,
    version bigint NOT NULL,
    CONSTRAINT ck_catalogue_is_only CHECK (is_only)
);
INSERT INTO rewards.catalogue VALUES (true, 0);

ALTER TABLE rewards.campaign
    ADD COLUMN revision int NOT NULL DEFAULT 1,
    ADD COLUMN catalogue_version bigint NOT NULL DEFAULT 0,
    ADD COLUMN holdout_bps int NOT NULL DEFAULT 0,
    ADD COLUMN holdout_salt uuid,
    ADD COLUMN rule jsonb,
    ADD COLUMN schedule jsonb,
    ADD COLUMN limits jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN category text,
    ADD COLUMN is_exclusive boolean NOT NULL DEFAULT false,
    ADD COLUMN priority smallint NOT NULL DEFAULT 0,
    ADD COLUMN uses_per_code int DEFAULT 1,
    ADD COLUMN funded_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN approved_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN copied_from uuid CONSTRAINT fk_campaign_copied_from REFERENCES rewards.campaign (id),
    ADD CONSTRAINT ck_campaign_holdout CHECK (holdout_bps BETWEEN 0 AND 10000),
    ADD CONSTRAINT ck_campaign_uses_per_code CHECK (uses_per_code > 0);
CREATE INDEX ix_campaign_catalogue_version ON rewards.campaign (catalogue_version);
-- In which audiences a customer is.
CREATE INDEX ix_audience_member_customer_id_audience_id ON rewards.audience_member (customer_id, audience_id);
"""

COUNTERS = """
ALTER TABLE rewards.counter
    ADD COLUMN measure text NOT NULL DEFAULT 'uses',
    ADD COLUMN bucket text NOT NULL DEFAULT '',
    ALTER COLUMN used TYPE bigint,
    ALTER COLUMN cap TYPE bigint,
    DROP CONSTRAINT pk_counter,
    ADD CONSTRAINT pk_counter PRIMARY KEY (campaign_id, scope, measure, bucket),
    DROP CONSTRAINT ck_counter_cap,
    DROP CONSTRAINT ck_counter_used,
    ADD CONSTRAINT ck_counter_cap CHECK (used <= cap),
    ADD CONSTRAINT ck_counter_used CHECK (used >= 0),
    ADD CONSTRAINT ck_counter_measure CHECK (measure IN ('uses', 'amount')),
    -- A counter of a rush is updated in place thousands of times.
    SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
"""

VOUCHERS = """
-- A code of a batch has no cause of its own, and belongs to nobody until it is claimed.
ALTER TABLE rewards.voucher
    ADD COLUMN is_generic boolean NOT NULL DEFAULT false,
    ADD COLUMN batch_id uuid,
    ALTER COLUMN source DROP NOT NULL,
    DROP CONSTRAINT ck_voucher_state,
    ADD CONSTRAINT ck_voucher_state CHECK (state IN ('active', 'used_up', 'blocked'));
UPDATE rewards.voucher v SET is_generic = true
  FROM rewards.campaign c WHERE c.id = v.campaign_id AND v.customer_id IS NULL AND c.kind = 'coupon';
DROP INDEX rewards.ix_voucher_customer_id_id;
CREATE INDEX ix_voucher_customer_id_id ON rewards.voucher (customer_id, id) WHERE customer_id IS NOT NULL;
DROP INDEX rewards.ix_voucher_campaign_id;
CREATE INDEX ix_voucher_campaign_id ON rewards.voucher (campaign_id) WHERE batch_id IS NULL;
CREATE INDEX ix_voucher_batch_id_id ON rewards.voucher (batch_id, id) WHERE batch_id IS NOT NULL;
CREATE INDEX ix_voucher_generic ON rewards.voucher (campaign_id) WHERE is_generic AND state = 'active';
"""

TILLS = """
-- counted [[scope, measure, bucket, amount], ...]; lines [[position, amount_minor], ...]
ALTER TABLE rewards.redemption
    ADD COLUMN fingerprint bytea,
    ADD COLUMN request_key text,
    ADD COLUMN lines jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN counted jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN back_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN rolled_back_at timestamptz,
    ADD CONSTRAINT ck_redemption_back CHECK (back_minor BETWEEN 0 AND amount_minor),
    DROP CONSTRAINT ck_redemption_state,
    ADD CONSTRAINT ck_redemption_state CHECK (state IN ('succeeded', 'partially_rolled_back', 'rolled_back'));
CREATE UNIQUE INDEX uq_redemption_terminal_id_request_key ON rewards.redemption (terminal_id, request_key)
    WHERE request_key IS NOT NULL;
CREATE INDEX ix_redemption_store_id_redeemed_at ON rewards.redemption (store_id, redeemed_at);

-- lines [[sku, category, quantity, unit, amount_minor, coupon_minor, tax_minor, discount_minor], ...]: half of objects
ALTER TABLE rewards.checkout
    ADD COLUMN lines jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN back_minor bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT ck_checkout_back CHECK (back_minor BETWEEN 0 AND total_minor);
CREATE INDEX ix_checkout_store_id_completed_at ON rewards.checkout (store_id, completed_at);
"""
