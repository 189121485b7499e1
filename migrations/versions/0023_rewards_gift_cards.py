"""Gift cards that customers buy, load, merge and give to friends, and that lapse no sooner than the law allows.

What stands on a card is the ledger's alone. A row here says who bought a card (money on it is the customers' own) or
that the brand gave it, and when somebody has to look after it next: to warn its holder, or to let what is left lapse.
"""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(CARDS)
    op.execute(GIFTS)


CARDS = """
CREATE TABLE rewards.gift_card (
    voucher_id uuid CONSTRAINT pk_gift_card PRIMARY KEY
        CONSTRAINT fk_gift_card_voucher_id REFERENCES rewards.voucher (id),
    buyer_id uuid,
    keeps_until timestamptz,
    warned_at timestamptz,
    due_at timestamptz,
    CONSTRAINT ck_gift_card_bought CHECK ((buyer_id IS NULL) = (keeps_until IS NULL))
);
CREATE INDEX ix_gift_card_due_at ON rewards.gift_card (due_at) WHERE due_at IS NOT NULL;
"""

# Phone and message are sealed under the giver's key. The index of the number stands here only while somebody may still
# prove that number.
GIFTS = """
CREATE TABLE rewards.gift (
    id uuid CONSTRAINT pk_gift PRIMARY KEY,
    voucher_id uuid NOT NULL CONSTRAINT fk_gift_voucher_id REFERENCES rewards.voucher (id),
    giver_id uuid NOT NULL,
    receiver_id uuid,
    phone bytea NOT NULL,
    phone_index bytea,
    message bytea,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    created_at timestamptz NOT NULL,
    deliver_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    due_at timestamptz,
    CONSTRAINT ck_gift_amount CHECK (amount_minor > 0),
    CONSTRAINT ck_gift_state CHECK (state IN ('scheduled', 'waiting', 'delivered', 'cancelled', 'returned')),
    CONSTRAINT ck_gift_ended CHECK ((state IN ('scheduled', 'waiting')) = (ended_at IS NULL)),
    CONSTRAINT ck_gift_due CHECK ((due_at IS NULL) = (ended_at IS NOT NULL)),
    CONSTRAINT ck_gift_waiting CHECK (phone_index IS NULL OR ended_at IS NULL),
    CONSTRAINT ck_gift_receiver CHECK (receiver_id <> giver_id AND (state <> 'delivered' OR receiver_id IS NOT NULL))
);
CREATE UNIQUE INDEX uq_gift_voucher_id ON rewards.gift (voucher_id) WHERE ended_at IS NULL;
CREATE INDEX ix_gift_giver_id_id ON rewards.gift (giver_id, id);
CREATE INDEX ix_gift_receiver_id_id ON rewards.gift (receiver_id, id) WHERE receiver_id IS NOT NULL;
CREATE INDEX ix_gift_phone_index ON rewards.gift (phone_index) WHERE phone_index IS NOT NULL;
CREATE INDEX ix_gift_due_at ON rewards.gift (due_at) WHERE due_at IS NOT NULL;
"""
