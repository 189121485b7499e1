"""Money from person to person: sendings that wait for their receiver, and requests; and the texts that invite one."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(REQUESTS)
    op.execute(SENDINGS)
    op.execute(INVITATIONS)


# Phone and note are sealed under the key of who wrote them. The index of a number stands here only while it waits for
# somebody to prove that number; the HMAC of a link's code stays, so that a second claim can be told what became of it.
REQUESTS = """
CREATE TABLE wallet.money_request (
    id uuid CONSTRAINT pk_money_request PRIMARY KEY,
    requester_id uuid NOT NULL,
    payer_id uuid,
    way text NOT NULL,
    phone bytea,
    phone_index bytea,
    code bytea,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    note bytea,
    state text NOT NULL DEFAULT 'open',
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT uq_money_request_code UNIQUE (code),
    CONSTRAINT ck_money_request_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_money_request_way CHECK (way IN ('phone', 'link')),
    CONSTRAINT ck_money_request_phone CHECK ((way = 'phone') = (phone IS NOT NULL)),
    CONSTRAINT ck_money_request_code CHECK ((way = 'link') = (code IS NOT NULL)),
    CONSTRAINT ck_money_request_state CHECK (state IN ('open', 'paid', 'declined', 'cancelled', 'lapsed')),
    CONSTRAINT ck_money_request_ended CHECK ((state = 'open') = (ended_at IS NULL)),
    CONSTRAINT ck_money_request_waiting
        CHECK (phone_index IS NULL OR state = 'open' AND payer_id IS NULL AND way = 'phone'),
    CONSTRAINT ck_money_request_payer CHECK (payer_id <> requester_id AND (state <> 'paid' OR payer_id IS NOT NULL))
);
CREATE INDEX ix_money_request_requester_id_id ON wallet.money_request (requester_id, id);
CREATE INDEX ix_money_request_payer_id_id ON wallet.money_request (payer_id, id) WHERE payer_id IS NOT NULL;
CREATE INDEX ix_money_request_phone_index ON wallet.money_request (phone_index) WHERE phone_index IS NOT NULL;
CREATE INDEX ix_money_request_expires_at ON wallet.money_request (expires_at) WHERE state = 'open';
"""

SENDINGS = """
CREATE TABLE wallet.sending (
    id uuid CONSTRAINT pk_sending PRIMARY KEY,
    sender_id uuid NOT NULL,
    receiver_id uuid,
    way text NOT NULL,
    phone bytea,
    phone_index bytea,
    code bytea,
    money_request_id uuid CONSTRAINT fk_sending_money_request_id REFERENCES wallet.money_request (id),
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    note bytea,
    state text NOT NULL,
    hold_id uuid CONSTRAINT fk_sending_hold_id REFERENCES wallet.hold (id),
    transfer_id uuid CONSTRAINT fk_sending_transfer_id REFERENCES wallet.transfer (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    ended_at timestamptz,
    due_at timestamptz,
    CONSTRAINT uq_sending_code UNIQUE (code),
    CONSTRAINT uq_sending_money_request_id UNIQUE (money_request_id),
    CONSTRAINT uq_sending_hold_id UNIQUE (hold_id),
    CONSTRAINT uq_sending_transfer_id UNIQUE (transfer_id),
    CONSTRAINT ck_sending_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_sending_way CHECK (way IN ('phone', 'link', 'request')),
    CONSTRAINT ck_sending_phone CHECK ((way = 'phone') = (phone IS NOT NULL)),
    CONSTRAINT ck_sending_code CHECK ((way = 'link') = (code IS NOT NULL)),
    CONSTRAINT ck_sending_request CHECK ((way = 'request') = (money_request_id IS NOT NULL)),
    CONSTRAINT ck_sending_state CHECK (state IN ('pending', 'completed', 'cancelled', 'returned')),
    CONSTRAINT ck_sending_ended CHECK ((state = 'pending') = (ended_at IS NULL)),
    CONSTRAINT ck_sending_moved CHECK ((state = 'completed') = (transfer_id IS NOT NULL)),
    CONSTRAINT ck_sending_held CHECK ((hold_id IS NOT NULL OR state = 'completed')
        AND (hold_id IS NULL) = (expires_at IS NULL)),
    CONSTRAINT ck_sending_waiting
        CHECK (phone_index IS NULL OR state = 'pending' AND receiver_id IS NULL AND way = 'phone'),
    CONSTRAINT ck_sending_due CHECK (due_at IS NULL OR state = 'pending' AND receiver_id IS NOT NULL),
    CONSTRAINT ck_sending_receiver
        CHECK (receiver_id <> sender_id AND (state <> 'completed' OR receiver_id IS NOT NULL))
);
CREATE INDEX ix_sending_sender_id_id ON wallet.sending (sender_id, id);
CREATE INDEX ix_sending_receiver_id_id ON wallet.sending (receiver_id, id) WHERE receiver_id IS NOT NULL;
CREATE INDEX ix_sending_phone_index ON wallet.sending (phone_index) WHERE phone_index IS NOT NULL;
CREATE INDEX ix_sending_due_at ON wallet.sending (due_at) WHERE due_at IS NOT NULL;
"""

# NOT VALID spares a scan of all messages: those that stand had one purpose fewer to choose from.
INVITATIONS = """
ALTER TABLE core.message DROP CONSTRAINT ck_message_purpose;
ALTER TABLE core.message ADD CONSTRAINT ck_message_purpose
    CHECK (purpose IN ('sign_in', 'transactional', 'invitation', 'marketing')) NOT VALID;
"""
