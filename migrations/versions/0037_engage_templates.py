"""Templates that are saved with their versions, the short links of messages, and from when on an inbox item is shown.

A link's code is found again from what it was drawn for (`engage.links.codes`), so nothing but the table says where it
leads; a voucher's link names the voucher, never its code.
"""

from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(TEMPLATES)
    op.execute(LINKS)
    op.execute(INBOX)


TEMPLATES = """
CREATE TABLE engage.template (
    id uuid CONSTRAINT pk_template PRIMARY KEY,
    key text NOT NULL CONSTRAINT uq_template_key UNIQUE,
    name text NOT NULL,
    purpose text NOT NULL CONSTRAINT ck_template_purpose CHECK (purpose IN ('transactional', 'marketing')),
    status text NOT NULL DEFAULT 'live' CONSTRAINT ck_template_status CHECK (status IN ('live', 'archived')),
    live_version_id uuid NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE engage.template_version (
    id uuid CONSTRAINT pk_template_version PRIMARY KEY,
    template_id uuid NOT NULL CONSTRAINT fk_template_version_template_id REFERENCES engage.template (id),
    number int NOT NULL CONSTRAINT ck_template_version_number CHECK (number > 0),
    wording jsonb NOT NULL,
    says text[] NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT uq_template_version_template_id_number UNIQUE (template_id, number)
);

CREATE TRIGGER template_version_written_once BEFORE UPDATE OR DELETE ON engage.template_version
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
"""

# kind: url leads to `target`; voucher shows the voucher whose id `target` is; preferences leads to what the customer
# allows, or with a channel for `target` to one click that takes its consent back; open is a picture that tells opening.
LINKS = """
CREATE TABLE engage.tracked_link (
    code text COLLATE "C" CONSTRAINT pk_tracked_link PRIMARY KEY,
    customer_id uuid NOT NULL,
    reference uuid NOT NULL,
    message_id uuid,
    position smallint NOT NULL,
    kind text NOT NULL CONSTRAINT ck_tracked_link_kind CHECK (kind IN ('url', 'voucher', 'preferences', 'open')),
    target text,
    clicks int NOT NULL DEFAULT 0 CONSTRAINT ck_tracked_link_clicks CHECK (clicks >= 0),
    first_clicked_at timestamptz,
    expires_at timestamptz NOT NULL,
    CONSTRAINT ck_tracked_link_target CHECK (kind IN ('preferences', 'open') OR target IS NOT NULL),
    CONSTRAINT ck_tracked_link_clicked CHECK ((clicks = 0) = (first_clicked_at IS NULL))
) WITH (fillfactor = 90);
CREATE INDEX ix_tracked_link_expires_at ON engage.tracked_link (expires_at);
"""

# An item is written with its message, which may leave days later. What stands there from before is shown already.
INBOX = """
ALTER TABLE engage.inbox_item ADD shown_from timestamptz NOT NULL DEFAULT '2000-01-01Z';
ALTER TABLE engage.inbox_item ALTER shown_from DROP DEFAULT;
DROP INDEX engage.ix_inbox_item_customer_id;
CREATE INDEX ix_inbox_item_customer_id ON engage.inbox_item (customer_id, shown_from, id);
"""
