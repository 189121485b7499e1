"""What messages cost: by channel and country, from a day on, as staff read it off their providers' price lists."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import audit
from core.db import connection_of
from engage.results.errors import PricesInvalid
from engage.results.models import MessagePrice
from wallet.assets import brand_currency, exponent_of

#: Every country of four channels, with some history.
MOST_PRICES = 2_000

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class Price:
    """units  micros: millionths of the brand's currency; 7 900 is 0.0079. country: '' for any without its own"""

    channel: str
    country: str
    since: date
    micros: int


class PriceList:
    """What a message cost on a day."""

    def __init__(self, prices: Iterable[Price]) -> None:
        self._known: dict[tuple[str, str], list[Price]] = {}
        for price in sorted(prices):
            self._known.setdefault((price.channel, price.country), []).append(price)

    def micros(self, channel: str, country: str, day: date) -> int | None:
        """The country's price on that day, else that of any country; None where nobody has said."""
        for where in (country, ""):
            told = self._known.get((channel, where), [])
            place = bisect_right(told, day, key=lambda price: price.since)
            if place:
                return told[place - 1].micros
        return None


def put(session: Session, prices: Sequence[Price], *, actor: str, now: datetime) -> list[Price]:
    """Take this list for what messages cost, whole; what was there and is not in it is gone.

    raises   PricesInvalid
    effects  an audit row; results of days gone by follow the new list
    """
    _check(prices)

    # One list replaces another, or two at once would mix.
    connection_of(session).execute("LOCK TABLE engage.message_price IN SHARE ROW EXCLUSIVE MODE")
    session.execute(delete(MessagePrice))
    currency = brand_currency()
    session.add_all(
        MessagePrice(
            channel=price.channel,
            country=price.country,
            since=price.since,
            currency=currency,
            micros=price.micros,
            set_by=actor,
            set_at=now,
        )
        for price in prices
    )
    change = {"prices": len(prices), "currency": currency}
    audit.record(session, actor=actor, action="message_prices.set", target="message_prices", change=change, now=now)
    session.flush()

    return sorted(prices)


def all_(session: Session) -> list[Price]:
    """By channel, country and day."""
    rows = session.scalars(select(MessagePrice)).all()
    return sorted(Price(row.channel, row.country, row.since, row.micros) for row in rows)


def minor(micros: int, currency: str) -> int:
    """Millionths of a unit in minor units, rounded half up: 7 900 of US dollars is 1."""
    scale: int = _MICROS // 10 ** exponent_of(currency)
    return (micros + scale // 2) // scale


def _check(prices: Sequence[Price]) -> None:
    if len(prices) > MOST_PRICES:
        detail = f"At most {MOST_PRICES:,} prices can be kept."
        raise PricesInvalid(errors=[{"pointer": "/prices", "detail": detail}])
    seen: dict[tuple[str, str, date], int] = {}
    errors: list[Mapping[str, str]] = []
    for place, price in enumerate(prices):
        key = (price.channel, price.country, price.since)
        if key in seen:
            detail = f"The same channel, country and day stand at /prices/{seen[key]} already."
            errors.append({"pointer": f"/prices/{place}", "detail": detail})
        seen.setdefault(key, place)
    if errors:
        raise PricesInvalid(errors=errors)
