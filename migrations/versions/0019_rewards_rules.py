"""Saved rules: conditions with a name, that campaigns and other rules use by their id.

Who uses a rule stands in a table beside the JSON, so that a foreign key keeps a rule that is used, and so that a change
of a rule finds the campaigns that it concerns without reading every campaign's JSON.
"""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(RULES)


RULES = """
CREATE TABLE rewards.rule (
    id uuid CONSTRAINT pk_rule PRIMARY KEY,
    name text NOT NULL,
    condition jsonb NOT NULL,
    revision int NOT NULL DEFAULT 1,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE rewards.rule_use (
    rule_id uuid NOT NULL CONSTRAINT fk_rule_use_rule_id REFERENCES rewards.rule (id),
    campaign_id uuid NOT NULL CONSTRAINT fk_rule_use_campaign_id REFERENCES rewards.campaign (id),
    CONSTRAINT pk_rule_use PRIMARY KEY (rule_id, campaign_id)
);
CREATE INDEX ix_rule_use_campaign_id ON rewards.rule_use (campaign_id);

CREATE TABLE rewards.rule_part (
    rule_id uuid NOT NULL CONSTRAINT fk_rule_part_rule_id REFERENCES rewards.rule (id),
    part_id uuid NOT NULL CONSTRAINT fk_rule_part_part_id REFERENCES rewards.rule (id),
    CONSTRAINT pk_rule_part PRIMARY KEY (rule_id, part_id),
    CONSTRAINT ck_rule_part_itself CHECK (rule_id <> part_id)
);
CREATE INDEX ix_rule_part_part_id ON rewards.rule_part (part_id);
"""
