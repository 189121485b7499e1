"""What a day at a store came to, till by till: baskets, vouchers by themselves, and what was given back.

A day is the store's own, from midnight to midnight on its clock: 23 or 25 hours long twice a year. Payments without a
basket are not in it; those stand on the settlements.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import NotFound
from wallet.assets import brand_time_zone
from wallet.documents import csv


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """units  minor units of the currency, but for the counts

    total        of the baskets: discount (coupons), gift (gift cards), paid (the wallet) and at_till (at the till)
    redeemed     by vouchers without a basket of ours
    given_back   of what this store had taken, on this day; at_till_back: of it by the tills themselves
    """

    currency: str
    checkouts: int = 0
    total_minor: int = 0
    discount_minor: int = 0
    gift_minor: int = 0
    paid_minor: int = 0
    at_till_minor: int = 0
    redemptions: int = 0
    redeemed_minor: int = 0
    rollbacks: int = 0
    given_back_minor: int = 0
    at_till_back_minor: int = 0

    @property
    def net_minor(self) -> int:
        """What the merchant is owed for it."""
        taken = self.total_minor - self.at_till_minor + self.redeemed_minor
        return taken - (self.given_back_minor - self.at_till_back_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class TillDay:
    terminal_id: UUID
    name: str | None
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnd:
    """since, until: the day's first moment, and the next day's."""

    store_id: UUID
    day: date
    time_zone: str
    since: datetime
    until: datetime
    tills: Sequence[TillDay]

    @property
    def totals(self) -> list[Figures]:
        """By currency."""
        currencies = sorted({till.figures.currency for till in self.tills})
        return [
            _sum(name, [each.figures for each in self.tills if each.figures.currency == name]) for name in currencies
        ]


def of(session: Session, store_id: UUID, day: date | None, *, now: datetime) -> DayEnd:
    """day: None for today at the store.

    raises  NotFound for a store that there is not
    """
    connection = connection_of(session)
    zone = _zone_of(connection, store_id)
    day = day or now.astimezone(zone).date()
    since, until = [datetime.combine(each, time.min, zone).astimezone(UTC) for each in (day, day + timedelta(days=1))]
    names = {"store": store_id, "since": since, "until": until}
    tills = [
        TillDay(terminal_id=row[0], name=row[1], figures=Figures(**dict(zip(_FIGURES, row[2:], strict=True))))
        for row in connection.execute(_FIND, names)
    ]
    return DayEnd(store_id=store_id, day=day, time_zone=zone.key, since=since, until=until, tills=tills)


def as_csv(found: DayEnd) -> bytes:
    """A row a till and currency, and one of the sums of each currency at the end."""
    header = ["date", "terminal_id", "terminal", *_FIGURES, "net_minor"]
    rows = [(str(till.terminal_id), till.name, till.figures) for till in found.tills]
    rows += [("", "total", figures) for figures in found.totals]
    return csv.table(
        header, [[found.day.isoformat(), who, csv.words(name), *_cells(figures)] for who, name, figures in rows]
    )


def _cells(figures: Figures) -> list[str | int | None]:
    return [*[getattr(figures, name) for name in _FIGURES], figures.net_minor]


def _sum(currency: str, figures: Iterable[Figures]) -> Figures:
    found = list(figures)
    return Figures(currency=currency, **{name: sum(getattr(each, name) for each in found) for name in _FIGURES[1:]})


def _zone_of(connection: Connection, store_id: UUID) -> ZoneInfo:
    row = connection.execute("SELECT time_zone FROM auth.store WHERE id = %s", [store_id]).fetchone()
    if row is None:
        raise NotFound("There is no such store")
    return ZoneInfo(row[0] or brand_time_zone())


_FIGURES = tuple(each.name for each in fields(Figures))

_FIND = """
    WITH deeds (terminal_id, currency, checkouts, total, discount, gift, paid, at_till, redemptions, redeemed,
                rollbacks, back, at_till_back) AS (
        SELECT terminal_id, currency, 1, total_minor, discount_minor, gift_minor, paid_minor, at_till_minor, 0, 0,
               0, 0, 0
          FROM rewards.checkout
         WHERE store_id = %(store)s AND completed_at >= %(since)s AND completed_at < %(until)s
        UNION ALL
        SELECT terminal_id, currency, 0, 0, 0, 0, 0, 0, 1, amount_minor, 0, 0, 0
          FROM rewards.redemption
         WHERE store_id = %(store)s AND redeemed_at >= %(since)s AND redeemed_at < %(until)s AND checkout_id IS NULL
        UNION ALL
        SELECT coalesce(c.terminal_id, r.terminal_id), b.currency, 0, 0, 0, 0, 0, 0, 0, 0,
               1, b.amount_minor, b.at_till_minor
          FROM rewards.rollback b
          LEFT JOIN rewards.checkout c ON c.id = b.checkout_id
          LEFT JOIN rewards.redemption r ON r.id = b.redemption_id
         WHERE b.store_id = %(store)s AND b.made_at >= %(since)s AND b.made_at < %(until)s)
    SELECT d.terminal_id, t.name, d.currency, sum(d.checkouts)::bigint, sum(d.total)::bigint, sum(d.discount)::bigint,
           sum(d.gift)::bigint, sum(d.paid)::bigint, sum(d.at_till)::bigint, sum(d.redemptions)::bigint,
           sum(d.redeemed)::bigint, sum(d.rollbacks)::bigint, sum(d.back)::bigint, sum(d.at_till_back)::bigint
      FROM deeds d LEFT JOIN auth.terminal t ON t.id = d.terminal_id
     GROUP BY d.terminal_id, t.name, d.currency
     ORDER BY t.name, d.terminal_id, d.currency
"""
