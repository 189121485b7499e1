"""The preference centre: everything that a customer may allow or refuse, as it stands, and the words to ask in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers
from auth.models import Customer
from core import clock
from engage.consents import opt_outs, saying, signing, wordings
from engage.consents.errors import WordingUnknown
from engage.consents.models import CHANNELS, PURPOSES, Consent, Wording
from engage.consents.saying import Said

#: A channel and a purpose.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """One channel and purpose.

    is_granted  what counts, said or not
    said        what the customer said; None where they never did
    wording     the words to ask in, where staff wrote any
    is_blocked  the number said STOP there, so that nothing goes out whatever stands here, until it says START
    """

    channel: str
    purpose: str
    is_granted: bool
    said: Consent | None
    wording: Wording | None
    is_blocked: bool


def of(session: Session, customer_id: UUID) -> list[Choice]:
    """Every choice that there is, in a steady order.

    raises  NotFound
    """
    customer = customers.find(session, customer_id)
    said = {(consent.channel, consent.purpose): consent for consent in saying.of(session, customer_id)}
    asked = wordings.newest(session, customer.locale)
    blocked = opt_outs.of_many(session, [customer.phone_index] if customer.phone_index else [])
    allowed = saying.Consents({(customer_id, *key): consent.is_granted for key, consent in said.items()})
    return [
        Choice(
            channel=channel,
            purpose=purpose,
            is_granted=allowed.allow(customer_id, channel=channel, purpose=purpose),
            said=said.get((channel, purpose)),
            wording=asked.get((channel, purpose)),
            is_blocked=(customer.phone_index, channel) in blocked,
        )
        for purpose in reversed(PURPOSES)
        for channel in CHANNELS
    ]


def choose(
    session: Session,
    customer_id: UUID,
    *,
    shown: Mapping[Key, UUID | None],
    granted: Collection[Key],
    source: str,
    now: datetime,
) -> int:
    """Keep what a customer chose on a page; says how much of it is news. What they left as it was is not said anew.

    shown    the choices that the page showed, each with the wording beside it
    granted  those of them that the customer ticked
    raises   WordingUnknown, and nothing is kept
    """
    before = {(choice.channel, choice.purpose): choice.is_granted for choice in of(session, customer_id)}
    changed = 0
    for (channel, purpose), wording_id in sorted(shown.items()):
        key = (channel, purpose)
        if key not in before:
            raise WordingUnknown
        wordings.check(session, wording_id, channel=channel, purpose=purpose)
        if (key in granted) != before[key]:
            said = Said(customer_id, channel, purpose, is_granted=key in granted)
            changed += saying.put_all(session, [said], source=source, wording_id=wording_id, now=now)
    return changed


def is_open_to(session: Session, customer_id: UUID) -> bool:
    """Whether there is such a customer, and not erased; one who is suspended may still say no."""
    customer = session.get(Customer, customer_id)
    return customer is not None and customer.phone_index is not None


def url(customer_id: UUID, *, now: datetime | None = None) -> str:
    """The signed link to the customer's own preference page."""
    return signing.url("p", customer_id, signing.PREFERENCES, now=now or clock.now())
