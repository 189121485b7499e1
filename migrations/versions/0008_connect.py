"""The tables of connect: whose another system's ids are. The ids themselves are kept as HMACs only."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(IDENTITIES)


IDENTITIES = """
CREATE TABLE connect.external_identity (
    source text NOT NULL,
    external_id_index bytea NOT NULL,
    customer_id uuid NOT NULL CONSTRAINT fk_external_identity_customer_id REFERENCES auth.customer,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_external_identity PRIMARY KEY (source, external_id_index)
);
CREATE INDEX ix_external_identity_customer_id ON connect.external_identity (customer_id);
"""
