"""Texts that tell somebody of a gift: to sign up with their number where they have not, else to look into the app."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from babel.numbers import format_currency
from sqlalchemy.orm import Session

from auth import limits
from auth.limits import Limit
from core import crypto
from core.delivery import messages, withdrawing
from rewards.gifts.models import Gift
from wallet.assets import exponent_of
from wallet.peers import people
from wallet.peers.invitations import Brand

_DAY = timedelta(days=1)
#: Past these a gift waits just as well, without a text: nobody shall be pestered in the brand's name.
_BY_GIVER, _TO_NUMBER = Limit("gifts.told", 10, _DAY), Limit("gifts.told_of", 3, _DAY)

_REASON = "gift_over"


def tell(session: Session, gift: Gift, phone: str, *, brand: Brand, now: datetime) -> None:
    """Let a text wait to be sent to a gift's number, if it may have one more today.

    effects  it is sealed under the receiver's key, or under the gift's own while the number is nobody's
    """
    counted = [(_TO_NUMBER, phone), (_BY_GIVER, str(gift.giver_id))]
    if limits.take(session, counted, now=now) is not None:
        return
    giver = people.names_of(session, [gift.giver_id]).get(gift.giver_id, "Somebody")
    todo = "Open the app to see it" if gift.receiver_id else "Sign up with this number to receive it"
    messages.enqueue(
        session,
        customer_id=gift.receiver_id or gift.id,
        channel="sms",
        recipient=phone,
        content={"body": f"{giver} gave you {_called(gift, brand)}. {todo}: {brand.public_url}/c/g"},
        purpose="transactional" if gift.receiver_id else "invitation",
        due_at=now,
        expires_at=gift.expires_at,
        now=now,
    )


def _called(gift: Gift, brand: Brand) -> str:
    if gift.amount_minor is None:
        return f"a {brand.name} coupon"
    worth = Decimal(gift.amount_minor).scaleb(-exponent_of(gift.currency))
    return f"a {brand.name} gift card of {format_currency(worth, gift.currency, locale='en_US')}"


def take_back(session: Session, gift_id: UUID, *, now: datetime) -> None:
    """Forget what was texted about a gift that is over; what has not left yet never does.

    effects  announces message.suppressed
    """
    withdrawing.withdraw(session, customer_ids=[gift_id], channel="sms", purpose="invitation", reason=_REASON, now=now)
    crypto.destroy_data_key(session, gift_id)
