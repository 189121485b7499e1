"""Invitations: a text to a number that is nobody's yet, that money waits for whoever signs up with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from babel.numbers import format_currency
from sqlalchemy.orm import Session

from auth import limits as texts
from auth.limits import Limit
from core import crypto
from core.delivery import messages, withdrawing
from wallet.assets import exponent_of
from wallet.peers import people
from wallet.peers.models import Sending

_DAY = timedelta(days=1)
#: Past these a sending waits just as well, without a text: nobody shall be pestered in the brand's name.
_BY_SENDER, _TO_NUMBER = Limit("peers.invitations", 10, _DAY), Limit("peers.invited", 3, _DAY)


@dataclass(frozen=True, slots=True)
class Brand:
    """Who invites, and where links to money begin; a link's code follows."""

    name: str
    public_url: str

    @property
    def link_to_sending(self) -> str:
        return f"{self.public_url}/c/s"

    @property
    def link_to_request(self) -> str:
        return f"{self.public_url}/c/r"


def text(session: Session, sending: Sending, phone: str, *, brand: Brand, now: datetime) -> None:
    """Let a text wait to be sent to the number that a sending waits for, if it may have one more today.

    effects  the sending has a data key of its own for it: the text is about nobody that we know
    """
    counted = [(_TO_NUMBER, phone), (_BY_SENDER, str(sending.sender_id))]
    if texts.take(session, counted, now=now) is not None:
        return
    sender = people.names_of(session, [sending.sender_id]).get(sending.sender_id, "Somebody")
    amount = Decimal(sending.amount_minor).scaleb(-exponent_of(sending.currency))
    money = format_currency(amount, sending.currency, locale="en_US")
    crypto.create_data_keys(session, [sending.id])
    messages.enqueue(
        session,
        customer_id=sending.id,
        channel="sms",
        recipient=phone,
        content={
            "body": f"{sender} sent you {money} with {brand.name}. "
            f"Sign up with this number to receive it: {brand.link_to_sending}"
        },
        purpose="invitation",
        due_at=now,
        expires_at=sending.expires_at,
        now=now,
    )


def take_back(session: Session, over: Iterable[Sending], *, now: datetime) -> None:
    """Forget what was texted about sendings that are over; what has not left yet never does.

    effects  announces message.suppressed
    """
    texted = [sending.id for sending in over if sending.way == "phone"]
    if not texted:
        return
    withdrawing.withdraw(
        session, customer_ids=texted, channel="sms", purpose="invitation", reason="sending_over", now=now
    )
    for sending_id in texted:
        crypto.destroy_data_key(session, sending_id)
