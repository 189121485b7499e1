"""Spend: what a journey may give away, for ever or on each of the brand's days, and the breaker that holds it to that.

What counts is what is handed out: a gift card's value, a credit, the most that a coupon takes off where its campaign
says so (an amount, a capped percentage). It is counted under a row's lock in the transaction that gives it, in one
currency: what is of another is refused, since amounts of two are no sum.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of, transaction
from core.errors import Kind, Refusal
from core.events import announce_all
from core.money import MAX_AMOUNT_MINOR, POINTS, Money
from core.notes import Notes
from engage.journeys.events import JourneyPaused, JourneyResumed
from engage.journeys.telling import Told, tell_staff
from engage.steps.clock import zone_of
from engage.steps.numbers import whole
from rewards import terms
from rewards.discounts import AmountOff, BuyGet, GiftValue, PercentageOff
from wallet.assets import EXPONENTS, brand_currency

_NEEDED = frozenset(("most_minor", "per"))
_MEMBERS = _NEEDED | {"currency"}
_FOR_EVER = "ever"

#: Why a journey stands still that its own spend has paused.
PAUSED_FOR_EVER, PAUSED_FOR_TODAY = "spend_ever", "spend_day"

_TOLD = {
    PAUSED_FOR_EVER: "The journey has given away all that it may, and is paused.",
    PAUSED_FOR_TODAY: "The journey has given away all that it may on one day, and is paused until tomorrow.",
}


class SpendReached(Refusal):
    code = "journey_spend_reached"
    kind = Kind.REFUSED
    title = "The journey has given away all that it may"


class SpendElsewhere(Refusal):
    code = "journey_spend_elsewhere"
    kind = Kind.REFUSED
    title = "The journey's spend is of another currency, and cannot count this"


@dataclass(frozen=True, slots=True)
class Spend:
    most_minor: int
    per: Literal["ever", "day"]
    currency: str = field(default_factory=brand_currency)

    def bucket(self, now: datetime) -> str:
        """Where it is counted: for ever, or on the brand's day."""
        return _FOR_EVER if self.per == "ever" else now.astimezone(zone_of(None)).date().isoformat()

    def paused_because(self, now: datetime) -> str:
        """Why a journey is paused that has reached it now; with the day, so that the next one opens it again."""
        return PAUSED_FOR_EVER if self.per == "ever" else f"{PAUSED_FOR_TODAY}:{self.bucket(now)}"


class Spender(Protocol):
    """What spends: a published version."""

    @property
    def journey_id(self) -> UUID: ...

    @property
    def spend(self) -> Spend | None: ...


@dataclass(slots=True)
class Purse:
    """What the journeys of a batch may still give away; their rows are locked.

    left     by journey; one without a cap is not in it
    refused  by journey, the least that somebody was refused
    """

    spends: Mapping[UUID, Spend] = field(default_factory=dict)
    left: dict[UUID, int] = field(default_factory=dict)
    refused: dict[UUID, int] = field(default_factory=dict)

    def take(self, journey_id: UUID, worth: Money | None) -> Refusal | None:
        """Why so much may not be given; None: it may, and counts as given. worth: None for what nothing bounds"""
        left = self.left.get(journey_id)
        if left is None or not worth or not worth.amount_minor:
            return None
        if worth.currency != self.spends[journey_id].currency:
            return SpendElsewhere()
        if left < worth.amount_minor:
            self.refused[journey_id] = min(worth.amount_minor, self.refused.get(journey_id, worth.amount_minor))
            return SpendReached()
        self.left[journey_id] = left - worth.amount_minor
        return None

    def give_back(self, journey_id: UUID, worth: Money | None) -> None:
        """What was taken has not been given after all."""
        if journey_id in self.left and worth:
            self.left[journey_id] += worth.amount_minor


def parse(raw: Any, notes: Notes) -> Spend:
    """{"most_minor": 100000, "currency": "USD", "per": "day"}; without a currency it is the brand's"""
    given = notes.object_(raw, allowed=_MEMBERS, required=_NEEDED)
    if given.get("per", "ever") not in ("ever", "day"):
        notes.at("per").say("Must be “ever” or “day”.")
    most = whole(
        given.get("most_minor", 1), notes.at("most_minor"), least=1, most=MAX_AMOUNT_MINOR, what="an amount in cents"
    )
    currency = given.get("currency", brand_currency())
    if not isinstance(currency, str) or currency not in EXPONENTS or currency == POINTS:
        notes.at("currency").say("Must be a currency that the wallet holds, such as “USD”.")
        currency = brand_currency()
    return Spend(most, "day" if given.get("per") == "day" else "ever", currency)


def of(raw: Mapping[str, Any] | None) -> Spend | None:
    """The spend that a journey keeps."""
    return None if raw is None else Spend(int(raw["most_minor"]), raw["per"], raw["currency"])


def lock(session: Session, spenders: Iterable[Spender], *, now: datetime) -> Purse:
    """What these journeys may still give away now.

    effects  locks a row for each of those that have a cap, in the order of their ids
    """
    spends = {one.journey_id: one.spend for one in spenders if one.spend is not None}
    if not spends:
        return Purse()
    ordered = sorted(spends)
    rows = connection_of(session).execute(
        _LOCK,
        [
            ordered,
            [spends[journey_id].bucket(now) for journey_id in ordered],
            [spends[journey_id].currency for journey_id in ordered],
            [spends[journey_id].most_minor for journey_id in ordered],
        ],
    )
    left = {journey_id: max(0, spends[journey_id].most_minor - spent) for journey_id, spent in rows}
    return Purse(spends, left)


def write(session: Session, purse: Purse, *, now: datetime) -> None:
    """Keep what was taken, and stop the journeys that have no more to give.

    effects  announces journey.paused; tells staff
    """
    if purse.left:
        ordered = sorted(purse.left)
        connection_of(session).execute(
            _WRITE,
            [
                ordered,
                [purse.spends[journey_id].bucket(now) for journey_id in ordered],
                [purse.spends[journey_id].currency for journey_id in ordered],
                [purse.spends[journey_id].most_minor - purse.left[journey_id] for journey_id in ordered],
            ],
        )
    # What was given back since may suffice for the next one who comes.
    refused = sorted(one for one, amount_minor in purse.refused.items() if purse.left[one] < amount_minor)
    for because in sorted({purse.spends[journey_id].paused_because(now) for journey_id in refused}):
        stopped = [one for one in refused if purse.spends[one].paused_because(now) == because]
        _stop(session, stopped, because, now=now)


def resume_due(now: datetime) -> None:
    """Open again the journeys that had only reached what they may give away on one day, once it is over.

    effects  announces journey.resumed
    """
    today = now.astimezone(zone_of(None)).date().isoformat()
    with transaction() as session:
        values = [f"{PAUSED_FOR_TODAY}:", f"{PAUSED_FOR_TODAY}:{today}"]
        resumed = [row[0] for row in connection_of(session).execute(_RESUME, values)]
        facts = [JourneyResumed(occurred_at=now, journey_id=journey_id, because="new_day") for journey_id in resumed]
        announce_all(session, facts)


def worth_of(connection: Connection, campaign_ids: Collection[UUID]) -> dict[UUID, Money]:
    """What a voucher of each campaign counts for; nothing where its campaign does not bound it."""
    loaded = terms.load(connection, campaign_ids)
    return {campaign_id: Money(_worth(of.discount), of.currency) for campaign_id, of in loaded.items()}


def _worth(discount: object) -> int:
    match discount:
        case GiftValue(amount_minor=amount) | AmountOff(amount_minor=amount):
            return amount
        case PercentageOff(cap_minor=cap) | BuyGet(cap_minor=cap):
            return cap or 0
    return 0


def _stop(session: Session, journey_ids: list[UUID], because: str, *, now: datetime) -> None:
    if not journey_ids:
        return
    kind = because.partition(":")[0]
    stopped = [row[0] for row in connection_of(session).execute(_STOP, [because, journey_ids])]
    announce_all(
        session, [JourneyPaused(occurred_at=now, journey_id=journey_id, because=kind) for journey_id in stopped]
    )
    tell_staff(session, [Told(journey_id, None, _TOLD[kind]) for journey_id in stopped], now=now)


# A cap that was lowered below what is spent leaves nothing; the row's own bound never lies below what it has counted.
_LOCK = """
    INSERT INTO engage.journey_spend AS kept (journey_id, bucket, currency, spent_minor, most_minor)
    SELECT journey_id, bucket, currency, 0, most
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[]) AS s (journey_id, bucket, currency, most)
     ORDER BY journey_id
        ON CONFLICT (journey_id, bucket, currency) DO UPDATE
       SET most_minor = greatest(excluded.most_minor, kept.spent_minor)
    RETURNING journey_id, spent_minor
"""

_WRITE = """
    UPDATE engage.journey_spend kept SET spent_minor = s.spent
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[]) AS s (journey_id, bucket, currency, spent)
     WHERE (kept.journey_id, kept.bucket, kept.currency) = (s.journey_id, s.bucket, s.currency)
       AND kept.spent_minor < s.spent
"""

_STOP = """
    UPDATE engage.journey SET status = 'paused', paused_because = %s
     WHERE id = ANY(%s) AND status = 'live' RETURNING id
"""

_RESUME = """
    UPDATE engage.journey SET status = 'live', paused_because = NULL
     WHERE status = 'paused' AND starts_with(paused_because, %s) AND paused_because COLLATE "C" < %s
    RETURNING id
"""
