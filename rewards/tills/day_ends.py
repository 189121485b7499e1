"""What a day at a store came to, till by till: whatever its tills took and gave back, as their own rolls say it.

A day is the store's own, from midnight to midnight on its clock: 23 or 25 hours long twice a year. What goes back
counts on the day on which it does, for the till that had taken it. What was paid by the store's own code is no till's.
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
    given_back   of both by rollbacks, voids and reversals; at_till_back: of it by the tills themselves
    payments     without a basket, captures of holds too: payments_minor without their tips
    refunds      of payments, of baskets by amount, and of offline losses
    offline_losses  what the brand paid for vouchers that were taken offline and did not hold
    cards        gift cards sold, less those that were taken back; cards_minor: what the tills took for them
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
    payments: int = 0
    payments_minor: int = 0
    tips_minor: int = 0
    refunds: int = 0
    refunded_minor: int = 0
    offline_losses_minor: int = 0
    cards: int = 0
    cards_minor: int = 0

    @property
    def net_minor(self) -> int:
        """What the merchant is owed for it."""
        taken = self.total_minor - self.at_till_minor + self.redeemed_minor
        paid = self.payments_minor + self.tips_minor + self.offline_losses_minor
        return taken - (self.given_back_minor - self.at_till_back_minor) + paid - self.refunded_minor - self.cards_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class TillDay:
    """terminal_id: None for what was paid by the store's own code"""

    terminal_id: UUID | None
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
    merchant_id, zone = _place_of(connection, store_id)
    day = day or now.astimezone(zone).date()
    since, until = [datetime.combine(each, time.min, zone).astimezone(UTC) for each in (day, day + timedelta(days=1))]
    names = {"store": store_id, "merchant": f"merchant:{merchant_id}", "since": since, "until": until}
    tills = [
        TillDay(terminal_id=row[0], name=row[1], figures=Figures(**dict(zip(_FIGURES, row[2:], strict=True))))
        for row in connection.execute(_FIND, names)
    ]
    return DayEnd(store_id=store_id, day=day, time_zone=zone.key, since=since, until=until, tills=tills)


def as_csv(found: DayEnd) -> bytes:
    """A row a till and currency, and one of the sums of each currency at the end."""
    header = ["date", "terminal_id", "terminal", *_FIGURES, "net_minor"]
    rows = [
        (str(till.terminal_id), till.name, till.figures) if till.terminal_id else ("", "store code", till.figures)
        for till in found.tills
    ]
    rows += [("", "total", figures) for figures in found.totals]
    return csv.table(
        header, [[found.day.isoformat(), who, csv.words(name), *_cells(figures)] for who, name, figures in rows]
    )


def _cells(figures: Figures) -> list[str | int | None]:
    return [*[getattr(figures, name) for name in _FIGURES], figures.net_minor]


def _sum(currency: str, figures: Iterable[Figures]) -> Figures:
    found = list(figures)
    return Figures(currency=currency, **{name: sum(getattr(each, name) for each in found) for name in _FIGURES[1:]})


def _place_of(connection: Connection, store_id: UUID) -> tuple[UUID, ZoneInfo]:
    """Whose store it is, and by which clock it goes."""
    row = connection.execute("SELECT merchant_id, time_zone FROM auth.store WHERE id = %s", [store_id]).fetchone()
    if row is None:
        raise NotFound("There is no such store")
    return row[0], ZoneInfo(row[1] or brand_time_zone())


_FIGURES = tuple(each.name for each in fields(Figures))

# What the ledger gave the merchant or took back. Its ids tell when a transfer was made, which is never before its own
# time by more than clocks differ. What stands with a basket or a redemption by itself is told there.
_FIND = """
    WITH posted AS MATERIALIZED (
        SELECT t.id, t.principal, t.key, t.kind, t.parent_id, e.amount, a.asset,
               coalesce(p.details, t.details) AS details,
               coalesce((t.details ->> 'tip_minor')::bigint, 0) AS tip
          FROM wallet.account a
          JOIN wallet.entry e ON e.account_id = a.id
          JOIN wallet.transfer t ON t.id = e.transfer_id
          LEFT JOIN wallet.transfer p ON p.id = t.parent_id
         WHERE a.owner = %(merchant)s AND a.purpose = 'payable'
           AND e.transfer_id >= core.uuidv7_floor(least(%(since)s, now()) - interval '1 day')
           AND e.effective_at >= %(since)s AND e.effective_at < %(until)s
    ), baskets AS MATERIALIZED (
        SELECT * FROM rewards.checkout
         WHERE store_id = %(store)s AND completed_at >= %(since)s AND completed_at < %(until)s
    ), backs AS MATERIALIZED (
        SELECT * FROM rewards.rollback
         WHERE store_id = %(store)s AND made_at >= %(since)s AND made_at < %(until)s AND kind <> 'refund'
    ), deeds AS (
        SELECT terminal_id, currency, 1 AS checkouts, total_minor AS total, discount_minor AS discount,
               gift_minor AS gift, paid_minor AS paid, at_till_minor AS at_till, 0 AS redemptions, 0 AS redeemed,
               0 AS rollbacks, 0 AS back, 0 AS at_till_back, 0 AS payments, 0 AS payment, 0 AS tips, 0 AS refunds,
               0 AS refunded, 0 AS losses, 0 AS cards, 0 AS card
          FROM baskets
        UNION ALL
        SELECT terminal_id, currency, 0, 0, 0, 0, 0, 0, 1, amount_minor, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
          FROM rewards.redemption
         WHERE store_id = %(store)s AND redeemed_at >= %(since)s AND redeemed_at < %(until)s AND checkout_id IS NULL
        UNION ALL
        SELECT coalesce(c.terminal_id, r.terminal_id), b.currency, 0, 0, 0, 0, 0, 0, 0, 0,
               1, b.amount_minor, b.at_till_minor, 0, 0, 0, 0, 0, 0, 0, 0
          FROM backs b
          LEFT JOIN rewards.checkout c ON c.id = b.checkout_id
          LEFT JOIN rewards.redemption r ON r.id = b.redemption_id
        UNION ALL
        SELECT (details ->> 'terminal_id')::uuid, asset, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               (kind = 'payment')::int, CASE kind WHEN 'payment' THEN amount - tip ELSE 0 END,
               CASE kind WHEN 'payment' THEN tip ELSE 0 END, 0, 0, CASE kind WHEN 'offline_loss' THEN amount ELSE 0 END,
               0, 0
          FROM posted
         WHERE parent_id IS NULL AND kind IN ('payment', 'offline_loss') AND details ->> 'store_id' = %(store)s::text
           AND NOT EXISTS (SELECT FROM baskets WHERE baskets.transfer_id = posted.id)
        UNION ALL
        SELECT (details ->> 'terminal_id')::uuid, asset, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, -amount, 0,
               0, 0
          FROM posted
         WHERE parent_id IS NOT NULL AND kind <> 'gift_card.deactivation' AND details ->> 'store_id' = %(store)s::text
           AND NOT EXISTS (SELECT FROM backs WHERE backs.transfer_id = posted.id)
           AND NOT EXISTS (SELECT FROM backs WHERE backs.principal = posted.principal AND backs.key = posted.key)
        UNION ALL
        SELECT (details ->> 'terminal_id')::uuid, asset, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
               -sign(amount)::int, -amount
          FROM posted
         WHERE kind IN ('gift_card.activation', 'gift_card.deactivation') AND details ->> 'store_id' = %(store)s::text)
    SELECT d.terminal_id, t.name, d.currency, sum(d.checkouts)::bigint, sum(d.total)::bigint, sum(d.discount)::bigint,
           sum(d.gift)::bigint, sum(d.paid)::bigint, sum(d.at_till)::bigint, sum(d.redemptions)::bigint,
           sum(d.redeemed)::bigint, sum(d.rollbacks)::bigint, sum(d.back)::bigint, sum(d.at_till_back)::bigint,
           sum(d.payments)::bigint, sum(d.payment)::bigint, sum(d.tips)::bigint, sum(d.refunds)::bigint,
           sum(d.refunded)::bigint, sum(d.losses)::bigint, sum(d.cards)::bigint, sum(d.card)::bigint
      FROM deeds d LEFT JOIN auth.terminal t ON t.id = d.terminal_id
     GROUP BY d.terminal_id, t.name, d.currency
     ORDER BY t.name, d.terminal_id, d.currency
"""
