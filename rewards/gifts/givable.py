"""What may be given, and to whom.

A coupon may be given where its campaign says so, a gift card always: it is money. Whoever receives a coupon stands
where any customer of its campaign does: who is held out of it goes without; and its uses count against the receiver's
limit, so one who has used that up is not given another. The campaign's audience is not asked: to reach others is why a
coupon may be passed on (decision 0023).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.errors import Refusal
from core.money import SANDBOX
from rewards import counters, terms
from rewards.campaigns import holdouts
from rewards.errors import LimitReached, NotInAudience, VoucherExpired, VoucherUnknown, VoucherUsedUp
from rewards.gift_cards import cards
from rewards.gift_cards.errors import GiftCardPromised
from rewards.gifts.errors import VoucherNotTransferable
from rewards.terms import Terms
from rewards.vouchers import batches


@dataclass(frozen=True, slots=True)
class Givable:
    """amount_minor: what stands on a gift card; None for a coupon"""

    voucher_id: UUID
    of: Terms
    expires_at: datetime | None
    amount_minor: int | None


@dataclass(frozen=True, slots=True)
class Parked:
    """A voucher on its way."""

    of: Terms
    expires_at: datetime | None
    is_blocked: bool

    def is_of_use(self, at: datetime) -> bool:
        """Whether its receiver could do anything with it."""
        if self.is_blocked or (self.expires_at is not None and at >= self.expires_at):
            return False
        return self.of.is_gift_card or self.of.state != "ended"


def lock(session: Session, voucher_id: UUID, *, holder_id: UUID, at: datetime) -> Givable:
    """A voucher that its holder may give now, locked.

    raises   VoucherUnknown for another's, and for a blocked one; VoucherExpired, VoucherUsedUp; of coupons
             VoucherNotTransferable, CampaignNotRunning when it is over; of gift cards GiftCardPromised where a payment
             holds something of it
    """
    row = connection_of(session).execute(_LOCK, [voucher_id, holder_id]).fetchone()
    if row is None:
        raise VoucherUnknown
    campaign_id, expires_at, state = row
    if expires_at is not None and at >= expires_at:
        raise VoucherExpired(expired_at=expires_at.isoformat())
    of = terms.load_one(session, campaign_id)
    if of.is_gift_card:
        return Givable(voucher_id, of, expires_at, _value_of(session, voucher_id, holder_id))
    if state != "active":
        raise VoucherUsedUp
    if not of.is_transferable or of.currency == SANDBOX:
        raise VoucherNotTransferable
    batches.check_not_over(of, at)
    return Givable(voucher_id, of, expires_at, None)


def parked(session: Session, voucher_id: UUID) -> Parked:
    """A voucher on its way, locked."""
    row = connection_of(session).execute(_PARKED, [voucher_id]).fetchone()
    assert row, "vouchers are not deleted"
    campaign_id, expires_at, state = row
    return Parked(terms.load_one(session, campaign_id), expires_at, state == "blocked")


def refusal_to(session: Session, of: Terms, receiver_id: UUID) -> Refusal | None:
    """Why a voucher of these terms is not handed to a customer; None where it is."""
    if of.is_gift_card:
        return None
    if holdouts.is_held_out(of, receiver_id):
        return NotInAudience()  # who is held out is not to know of it
    cap = of.limit_per_customer
    if cap is not None and _used_by(session, of, receiver_id) >= cap:
        return LimitReached(limit=cap)
    return None


def _value_of(session: Session, voucher_id: UUID, holder_id: UUID) -> int:
    connection = connection_of(session)
    [card] = cards.lock(connection, [voucher_id], holder_id=holder_id)
    posted, held = cards.lock_values(connection, [card.account.id])[card.account.id]
    amount = cards.check_holds_something(posted, held)
    if held:
        raise GiftCardPromised
    return amount


def _used_by(session: Session, of: Terms, customer_id: UUID) -> int:
    name = [of.campaign_id, counters.scope_of(customer_id), counters.USES, counters.FOR_EVER]
    row = connection_of(session).execute(_USED, name).fetchone()
    return row[0] if row else 0


_LOCK = """
    SELECT campaign_id, expires_at, state FROM rewards.voucher
     WHERE id = %s AND customer_id = %s AND state NOT IN ('blocked', 'inactive') FOR NO KEY UPDATE
"""

_PARKED = "SELECT campaign_id, expires_at, state FROM rewards.voucher WHERE id = %s FOR NO KEY UPDATE"

_USED = "SELECT used FROM rewards.counter WHERE campaign_id = %s AND scope = %s AND measure = %s AND bucket = %s"
