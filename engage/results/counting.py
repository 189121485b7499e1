"""Counting: what a batch of the log adds to the tallies.

entered, ended, converted                      walks
step:<outcome>                                 what steps did: step:issued, step:sent, step:skipped …
sent, delivered, failed, in_doubt              messages, by channel and country
inbox                                          what was said in the app's inbox alone
opened, clicked                                each step's word to a customer once, however often they look at it
unsubscribed                                   a no to a channel within a week after a message over it
issued, redeemed, rolled_back                  vouchers, with what they took off
credited                                       what journeys put into wallets, whether it is spent or lapses
revenue, refunded                              the baskets in which they did; one with several vouchers of the same
                                               journey counts to the first
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from typing import Any
from uuid import UUID

from core.events import LoggedEvent
from engage.results.origins import Origin, Origins
from engage.results.tallies import Counted, Key
from engage.results.trials import Drawn

ENTERED, STEP_DONE, ENDED, CONVERTED = "journey.entered", "journey.step_done", "journey.ended", "journey.converted"
ISSUED, REDEEMED, ROLLED_BACK = "voucher.issued", "voucher.redeemed", "voucher.rolled_back"
CHECKOUT_BACK = "checkout.rolled_back"
GRANTED = "promotion.granted"
CONSENT = "consent.changed"

#: Those about one message or step's word, with what each counts as.
OF_MESSAGES = {
    "message.sent": "sent",
    "message.delivered": "delivered",
    "message.failed": "failed",
    "message.put_in_doubt": "in_doubt",
    "message.suppressed": "suppressed",
}
OF_RESPONSES = {"message.opened": "opened", "link.clicked": "clicked"}

#: Whose tally one event adds to, how often, and what it came to.
_Told = Iterator[tuple[Key, int, int]]

#: How long after a message a no to its channel counts to it.
UNSUBSCRIBED_WITHIN = timedelta(days=7)


@dataclass(slots=True)
class Basket:
    """A checkout's total, and its redemptions with their vouchers in the order in which they were made."""

    total_minor: int
    redemptions: list[tuple[UUID, UUID]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message; country: '' where its price does not hang on it."""

    channel: str
    country: str
    reference: UUID | None


@dataclass(frozen=True, slots=True)
class Known:
    """What was looked up for a batch.

    letters       of messages, what they were for
    unsubscribed  by event, the reference of the message that it follows
    first         (reference, what) that were not counted before
    drawn         by enrolment, the variant of those who entered
    """

    origins: Origins
    letters: Mapping[UUID, Letter]
    baskets: Mapping[UUID, Basket]
    unsubscribed: Mapping[UUID, UUID]
    first: frozenset[tuple[UUID, str]]
    drawn: Mapping[UUID, Drawn]
    zone: tzinfo


def count(events: Sequence[LoggedEvent], known: Known) -> Counted:
    """What these events add; none of them twice."""
    counted = Counted()
    left = set(known.first)
    for event in events:
        if event.name in OF_RESPONSES:
            said = response_of(event)
            if said is None or said not in left:
                continue
            left.discard(said)
        for key, number, amount_minor in _told(event, known):
            counted.add(key, count=number, amount_minor=amount_minor)
    return counted


def response_of(event: LoggedEvent) -> tuple[UUID, str] | None:
    """What somebody opened or followed; a look at what they allow is no answer to what was said."""
    reference = _id(event, "reference")
    if event.name not in OF_RESPONSES or reference is None or event.payload.get("kind") == "preferences":
        return None
    return reference, OF_RESPONSES[event.name]


def giver_of(event: LoggedEvent) -> UUID | None:
    """The journey that put value into a wallet, if it was one."""
    kind, _, journey_id = event.payload["source"].partition(":")
    try:
        return UUID(journey_id) if kind == "journey" else None
    except ValueError:
        return None


def _told(event: LoggedEvent, known: Known) -> _Told:
    origins, name = known.origins, event.name
    if name in (ENTERED, ENDED):
        entry = origins.entries.get(UUID(event.payload["enrolment_id"]))
        if entry is not None:
            measure = name.split(".")[1]
            yield _key(event, known, measure, "journey", entry.journey_id, arm=entry.arm), 1, 0
    elif name == STEP_DONE:
        yield from _of(event, known, f"step:{event.payload['outcome']}", _id(event, "step_run_id"))
        if event.payload.get("is_inbox"):
            yield from _of_letter(event, known, "inbox", _id(event, "step_run_id"))
    elif name == CONVERTED:
        yield from _converted(event, known)
    elif name in OF_MESSAGES:
        yield from _of_letter(event, known, OF_MESSAGES[name], _id(event, "reference"))
    elif name in OF_RESPONSES:
        yield from _of_letter(event, known, OF_RESPONSES[name], _id(event, "reference"))
    elif name == CONSENT:
        yield from _of_letter(event, known, "unsubscribed", known.unsubscribed.get(event.id))
    elif name in (ISSUED, REDEEMED, ROLLED_BACK):
        yield from _of_voucher(event, known)
    elif name == GRANTED and (journey_id := giver_of(event)) is not None:
        key = _key(event, known, "credited", "journey", journey_id, arm="treated", currency=event.payload["currency"])
        yield key, 1, event.payload["amount_minor"]
    elif name == CHECKOUT_BACK:
        yield from _of_basket(event, known)


def _of(event: LoggedEvent, known: Known, measure: str, reference: UUID | None) -> _Told:
    origin = known.origins.references.get(reference) if reference else None
    if origin is not None:
        yield _step_key(event, known, measure, origin), 1, 0


def _of_letter(event: LoggedEvent, known: Known, measure: str, reference: UUID | None) -> _Told:
    """A message counts to its step, and to the campaign whose voucher it brought."""
    origin = known.origins.references.get(reference) if reference else None
    if origin is None:
        return
    message_id = _id(event, "message_id")
    letter = known.letters.get(message_id) if message_id else None
    where = {
        "channel": event.payload.get("channel") or (letter.channel if letter else ""),
        "country": letter.country if letter else "",
    }
    yield _step_key(event, known, measure, origin, **where), 1, 0
    if origin.campaign_id is not None:
        yield _key(event, known, measure, "campaign", origin.campaign_id, **where), 1, 0


def _converted(event: LoggedEvent, known: Known) -> _Told:
    """To the step whose message is given the credit; to none of them where nothing had been delivered."""
    message_id = _id(event, "message_id")
    letter = known.letters.get(message_id) if message_id else None
    origin = known.origins.references.get(letter.reference) if letter and letter.reference else None
    entry = known.origins.entries.get(UUID(event.payload["enrolment_id"]))
    if origin is not None:
        yield _step_key(event, known, "converted", origin), 1, 0
    elif entry is not None:
        yield _key(event, known, "converted", "journey", entry.journey_id, arm=entry.arm), 1, 0


def _of_voucher(event: LoggedEvent, known: Known) -> _Told:
    voucher_id = UUID(event.payload["voucher_id"])
    amount_minor, currency = event.payload.get("amount_minor", 0), event.payload.get("currency", "")
    number = 0 if event.payload.get("is_whole") is False else 1
    measure = event.name.split(".")[1]
    for key in _keys_of_voucher(event, known, measure, voucher_id, currency):
        yield key, number, amount_minor
    checkout_id = _id(event, "checkout_id")
    basket = known.baskets.get(checkout_id) if checkout_id and event.name == REDEEMED else None
    if basket is not None:
        redemption_id = UUID(event.payload["redemption_id"])
        for first, key in _owners(event, known, "revenue", basket, currency):
            if first == redemption_id:
                yield key, 1, basket.total_minor


def _of_basket(event: LoggedEvent, known: Known) -> _Told:
    basket = known.baskets.get(UUID(event.payload["checkout_id"]))
    if basket is not None:
        for _, key in _owners(event, known, "refunded", basket, event.payload["currency"]):
            yield key, int(event.payload["is_whole"]), event.payload["amount_minor"]


def _owners(event: LoggedEvent, known: Known, measure: str, basket: Basket, currency: str) -> list[tuple[UUID, Key]]:
    """Whose basket it is: of each journey, broadcast and campaign the first redemption, with its tally."""
    first: dict[tuple[str, UUID], tuple[UUID, Key]] = {}
    for redemption_id, voucher_id in basket.redemptions:
        for key in _keys_of_voucher(event, known, measure, voucher_id, currency):
            first.setdefault((key.scope, key.scope_id), (redemption_id, key))
    return list(first.values())


def _keys_of_voucher(event: LoggedEvent, known: Known, measure: str, voucher_id: UUID, currency: str) -> Iterator[Key]:
    given = known.origins.vouchers.get(voucher_id)
    if given is not None:
        yield _key(event, known, measure, "campaign", given.campaign_id, currency=currency)
        if given.origin is not None:
            yield _step_key(event, known, measure, given.origin, currency=currency)


def _step_key(event: LoggedEvent, known: Known, measure: str, origin: Origin, **more: str) -> Key:
    words = {"step": origin.step, "variant": origin.variant, "arm": origin.arm, **more}
    return _key(event, known, measure, origin.scope, origin.scope_id, **words)


def _key(event: LoggedEvent, known: Known, measure: str, scope: str, scope_id: UUID, **words: str) -> Key:
    return Key(scope, scope_id, measure, event.occurred_at.astimezone(known.zone).date(), **words)


def _id(event: LoggedEvent, name: str) -> UUID | None:
    given: Any = event.payload.get(name)
    return UUID(given) if given else None
