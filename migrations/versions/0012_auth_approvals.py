"""Approvals: what one person asks and a second one decides.

They stand in auth, which knows no feature: what is asked is told by its kind and a subject that is shown. Notes and
reasons are words about people, so they are sealed, under the data key of the customer whom they concern.
"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(APPROVALS)


APPROVALS = """
CREATE TABLE auth.approval (
    id uuid CONSTRAINT pk_approval PRIMARY KEY,
    kind text NOT NULL,
    subject jsonb NOT NULL,
    fingerprint bytea NOT NULL,
    customer_id uuid CONSTRAINT fk_approval_customer_id REFERENCES auth.customer,
    note bytea,
    status text NOT NULL DEFAULT 'waiting',
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    decided_by text,
    decided_at timestamptz,
    reason bytea,
    used_at timestamptz,
    outcome jsonb,
    CONSTRAINT ck_approval_status CHECK (status IN ('waiting', 'approved', 'refused', 'withdrawn')),
    CONSTRAINT ck_approval_second_person CHECK (decided_by <> asked_by),
    CONSTRAINT ck_approval_decided CHECK (
        (status IN ('approved', 'refused')) = (decided_by IS NOT NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT ck_approval_used CHECK (used_at IS NULL OR status = 'approved')
);
CREATE INDEX ix_approval_kind_id ON auth.approval (kind, id);
CREATE INDEX ix_approval_customer_id ON auth.approval (customer_id);
-- What waits is asked for all day, and is few among many.
CREATE INDEX ix_approval_waiting ON auth.approval (id) WHERE status = 'waiting';
"""
