"""Refresh tokens stand on their family's own row: a token says which family's and which of its tokens it is, so that
only the newest one's HMAC has to be kept, and rotating is one guarded update.

Tokens of the old form say nothing of themselves, and their table goes: everyone signs in once more.
"""

from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(SIGNED_OUT)
    op.execute(FAMILIES)


SIGNED_OUT = """
DROP TABLE auth.refresh_token;
DELETE FROM auth.authorization_code;
DELETE FROM auth.token_family;
"""

# A page keeps room for a row's next version, which then needs no entry in any index: ends_at never changes.
FAMILIES = """
ALTER TABLE auth.token_family
    ADD token bytea NOT NULL,
    ADD former bytea,
    ADD idle_seconds integer NOT NULL,
    ADD ends_at timestamptz NOT NULL,
    ALTER session_id SET NOT NULL,
    ALTER auth_time SET NOT NULL,
    SET (fillfactor = 70);
CREATE INDEX ix_token_family_ends_at ON auth.token_family (ends_at);
ALTER TABLE auth.authorization_code ALTER auth_time SET NOT NULL;
"""
