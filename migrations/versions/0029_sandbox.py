"""Sandbox merchants, and imports in the background.

A sandbox's merchant, stores, terminals and customers have ids of version 8 (decision 0024), so the ledger itself can
hold that they own XTS alone and that nobody else owns any: no account that stands does.

The lines of an import wait sealed, some hundreds in a row, until a worker has written them; then they are gone. Of a
file that is refused, so are the vouchers that stood blocked: what points at vouchers is searched for each of them.
"""

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(APART)
    op.execute(SANDBOXES)
    op.execute(IMPORTS)


# NOT VALID, so that no long look at the accounts that stand holds up those who open one: none of them is of a sandbox.
APART = """
ALTER TABLE wallet.account ADD CONSTRAINT ck_account_sandbox CHECK (
    owner !~ '^(customer|merchant):' OR (asset = 'XTS') = (substr(split_part(owner, ':', 2), 15, 1) = '8')
) NOT VALID;
"""

# customers, campaigns: {"regular": "<id>", ...}
SANDBOXES = """
CREATE TABLE rewards.sandbox (
    merchant_id uuid CONSTRAINT pk_sandbox PRIMARY KEY
        CONSTRAINT fk_sandbox_merchant_id REFERENCES auth.merchant (id),
    store_id uuid NOT NULL,
    terminal_id uuid NOT NULL,
    own_terminal_id uuid NOT NULL,
    customers jsonb NOT NULL,
    campaigns jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL
);
"""

IMPORTS = """
ALTER TABLE rewards.code_batch ADD mode text CONSTRAINT ck_code_batch_mode CHECK (mode IN ('all', 'each'));
CREATE TABLE rewards.code_upload (
    batch_id uuid NOT NULL CONSTRAINT fk_code_upload_batch_id REFERENCES rewards.code_batch (id),
    position int NOT NULL,
    lines bytea,
    faults jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT pk_code_upload PRIMARY KEY (batch_id, position)
);
CREATE INDEX ix_gift_voucher_id ON rewards.gift (voucher_id);
"""
