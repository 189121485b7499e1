"""Claims: whoever opens a gift's link first, from its day on, has the gift."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from rewards.gifts import givable, giving, links
from rewards.gifts.errors import GiftEnded, GiftTooEarly
from rewards.gifts.models import DELIVERED, RETURNED, Gift
from wallet.peers.errors import LinkUnknown, SelfTransfer


def claim(session: Session, *, code: str, receiver_id: UUID, now: datetime) -> Gift:
    """Take what is behind a link; again and again with the same answer. Of any number who try at once, one has it.

    raises   LinkUnknown; SelfTransfer for its giver; GiftEnded when somebody else has it, or it went back; GiftTooEarly
             before its day; NotInAudience, LimitReached for who cannot be given this coupon: somebody else still can
    effects  announces gift.received and gift.delivered
    """
    gift = giving.locked(session, Gift.link == links.kept(code))
    if gift is None:
        raise LinkUnknown
    if gift.giver_id == receiver_id:
        raise SelfTransfer
    if gift.state == DELIVERED and gift.receiver_id == receiver_id:
        return gift
    if gift.ended_at is not None:
        raise GiftEnded(outcome=gift.state)
    if now < gift.deliver_at:
        raise GiftTooEarly(deliver_at=gift.deliver_at.isoformat())
    parked = givable.parked(session, gift.voucher_id)
    if now >= gift.expires_at or not parked.is_of_use(now):
        raise GiftEnded(outcome=RETURNED)  # as due work is about to see
    refusal = givable.refusal_to(session, parked.of, receiver_id)
    if refusal is not None:
        raise refusal

    giving.hand_over(session, gift, receiver_id, now=now)
    return gift
