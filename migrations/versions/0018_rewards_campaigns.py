"""Campaigns' versions, funders and approvals.

A version keeps a campaign's terms as they were from one change to the next, for whoever must know later what was
promised when; it is written once. Campaigns that are older than versions get their first one as they stand, and count
as approved where they run already.
"""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(VERSIONS)
    op.execute(FUNDERS)
    op.execute(APPROVALS)


VERSIONS = """
CREATE TABLE rewards.campaign_version (
    campaign_id uuid NOT NULL CONSTRAINT fk_campaign_version_campaign_id REFERENCES rewards.campaign (id),
    revision int NOT NULL,
    terms jsonb NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT pk_campaign_version PRIMARY KEY (campaign_id, revision)
);
INSERT INTO rewards.campaign_version (campaign_id, revision, terms, made_by, made_at)
SELECT c.id, c.revision,
       jsonb_build_object(
           'name', c.name, 'kind', c.kind, 'discount', c.discount, 'currency', c.currency, 'starts_at', c.starts_at,
           'ends_at', c.ends_at, 'min_spend_minor', c.min_spend_minor, 'limit_total', c.limit_total,
           'limit_per_customer', c.limit_per_customer, 'audience_id', c.audience_id, 'voucher_days', c.voucher_days,
           'rule', c.rule, 'schedule', c.schedule, 'limits', c.limits, 'holdout_bps', c.holdout_bps,
           'holdout_salt', c.holdout_salt, 'category', c.category, 'is_exclusive', c.is_exclusive,
           'priority', c.priority, 'uses_per_code', c.uses_per_code, 'funders', '[]'::jsonb,
           'skus', CASE WHEN c.is_scoped THEN (
               SELECT coalesce(jsonb_agg(s.sku ORDER BY s.sku), '[]') FROM rewards.campaign_sku s
                WHERE s.campaign_id = c.id) END),
       c.created_by, c.created_at
  FROM rewards.campaign c;
CREATE TRIGGER campaign_version_is_final BEFORE UPDATE OR DELETE ON rewards.campaign_version
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
"""

# A campaign without rows is the brand's alone.
FUNDERS = """
CREATE TABLE rewards.campaign_funder (
    campaign_id uuid NOT NULL CONSTRAINT fk_campaign_funder_campaign_id REFERENCES rewards.campaign (id),
    funder text NOT NULL,
    bps int NOT NULL,
    CONSTRAINT pk_campaign_funder PRIMARY KEY (campaign_id, funder),
    CONSTRAINT ck_campaign_funder_bps CHECK (bps BETWEEN 1 AND 10000)
);
"""

APPROVALS = """
CREATE TABLE rewards.campaign_approval (
    approval_id uuid CONSTRAINT pk_campaign_approval PRIMARY KEY,
    campaign_id uuid NOT NULL CONSTRAINT fk_campaign_approval_campaign_id REFERENCES rewards.campaign (id),
    revision int NOT NULL,
    asked_minor bigint NOT NULL,
    CONSTRAINT ck_campaign_approval_asked CHECK (asked_minor > 0)
);
CREATE INDEX ix_campaign_approval_campaign_id ON rewards.campaign_approval (campaign_id);
UPDATE rewards.campaign c
   SET funded_minor = f.amount, approved_minor = CASE WHEN c.state IN ('running', 'paused') THEN f.amount ELSE 0 END
  FROM (SELECT a.owner, sum(e.amount) AS amount
          FROM wallet.account a
          JOIN wallet.entry e ON e.account_id = a.id
          JOIN wallet.transfer t ON t.id = e.transfer_id AND t.kind = 'campaign.funding'
         WHERE a.purpose = 'budget' AND a.owner LIKE 'campaign:%'
         GROUP BY a.owner) AS f
 WHERE f.owner = 'campaign:' || c.id;
"""
