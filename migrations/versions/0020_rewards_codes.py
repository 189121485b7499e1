"""Codes by the million: the batches that make, import or publish them, and what codes look like.

A batch is due work: each of its chunks is one transaction that writes vouchers and moves the batch's own counts, so a
worker that dies leaves nothing half done. The shapes tell a typing error from a guess without a look at the vouchers.
"""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(BATCHES)
    op.execute(SHAPES)


# faults: [{"line": 3, "code": "code_taken"}, ...] of an import, [{"code": "held_out", "count": 5}, ...] of a mailing.
BATCHES = """
CREATE TABLE rewards.code_batch (
    id uuid CONSTRAINT pk_code_batch PRIMARY KEY,
    campaign_id uuid NOT NULL CONSTRAINT fk_code_batch_campaign_id REFERENCES rewards.campaign (id),
    kind text NOT NULL CONSTRAINT ck_code_batch_kind CHECK (kind IN ('made', 'import', 'mailing')),
    pattern jsonb,
    asked int NOT NULL,
    made int NOT NULL DEFAULT 0,
    refused int NOT NULL DEFAULT 0,
    faults jsonb NOT NULL DEFAULT '[]',
    source text NOT NULL CONSTRAINT uq_code_batch_source UNIQUE,
    fingerprint bytea,
    audience_id uuid CONSTRAINT fk_code_batch_audience_id REFERENCES rewards.audience (id),
    reached uuid,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    state text NOT NULL CONSTRAINT ck_code_batch_state CHECK (state IN ('waiting', 'importing', 'ended', 'refused')),
    due_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    lease_token uuid,
    last_error text,
    CONSTRAINT ck_code_batch_counts CHECK (made >= 0 AND refused >= 0 AND made + refused <= asked),
    CONSTRAINT ck_code_batch_due CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
    CONSTRAINT ck_code_batch_ended CHECK ((state IN ('ended', 'refused')) = (ended_at IS NOT NULL))
);
CREATE INDEX ix_code_batch_campaign_id_id ON rewards.code_batch (campaign_id, id);
CREATE INDEX ix_code_batch_due_at ON rewards.code_batch (due_at) WHERE due_at IS NOT NULL;
"""

# What normalised codes of a length begin with. 'any' stands for codes that were chosen or imported. promised: how many
# were asked for of a pattern, so that no sum of batches fills it. Codes that were chosen before are of unknown shape.
SHAPES = """
CREATE TABLE rewards.code_shape (
    prefix text NOT NULL,
    length smallint NOT NULL,
    alphabet text NOT NULL CONSTRAINT ck_code_shape_alphabet CHECK (alphabet IN ('crockford', 'digits', 'any')),
    has_check boolean NOT NULL,
    promised bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_code_shape PRIMARY KEY (prefix, length, alphabet)
);
INSERT INTO rewards.code_shape (prefix, length, alphabet, has_check)
SELECT '', length, 'any', false FROM generate_series(4, 15) AS length
 WHERE EXISTS (SELECT FROM rewards.voucher WHERE is_generic);
"""
