"""Gifts of coupons, and gift cards in batches of codes.

A campaign says whether its coupons may be passed on. A gift is for a number, as before, or for whoever has its link,
which is kept as HMAC only. A voucher that nobody can use just now is inactive: while it is on its way to a friend, and
a printed gift card until a till has sold it. Who buys such a card at a till is not known, but what is on it is theirs:
`keeps_until` says so, and no longer `buyer_id`.
"""

from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '60s'")
    op.execute(GIFTS)
    op.execute(CARDS)


GIFTS = """
ALTER TABLE rewards.campaign ADD is_transferable boolean NOT NULL DEFAULT false;
ALTER TABLE rewards.voucher DROP CONSTRAINT ck_voucher_state,
    ADD CONSTRAINT ck_voucher_state CHECK (state IN ('active', 'used_up', 'blocked', 'inactive'));
ALTER TABLE rewards.gift
    ALTER phone DROP NOT NULL,
    ALTER amount_minor DROP NOT NULL,
    ADD link bytea CONSTRAINT uq_gift_link UNIQUE,
    ADD CONSTRAINT ck_gift_way CHECK ((phone IS NULL) <> (link IS NULL));
UPDATE rewards.voucher v SET state = 'inactive'
  FROM rewards.gift g WHERE g.id = v.customer_id AND g.ended_at IS NULL AND v.state <> 'blocked';
"""

# Of a batch of gift cards: a till activates each when it sells it, or the campaign's budget has filled it.
CARDS = """
ALTER TABLE rewards.code_batch ADD funding text
    CONSTRAINT ck_code_batch_funding CHECK (funding IN ('till', 'budget'));
ALTER TABLE rewards.gift_card DROP CONSTRAINT ck_gift_card_bought,
    ADD CONSTRAINT ck_gift_card_bought CHECK (buyer_id IS NULL OR keeps_until IS NOT NULL);
"""
