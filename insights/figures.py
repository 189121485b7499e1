"""The brand's figures for a span of time, out of the log and the ledger themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from insights.profiles.models import PHASES


@dataclass(frozen=True, slots=True)
class Sales:
    """Orders as they were announced: sales_minor = by_coupons_minor + by_gift_cards_minor + by_wallets_minor
    + by_tills_minor (collected by the tills themselves).

    customers   distinct ones
    """

    orders: int
    customers: int
    sales_minor: int
    by_coupons_minor: int
    by_gift_cards_minor: int
    by_wallets_minor: int
    by_tills_minor: int = 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the ledger moved to merchants, less what it moved back, and out of whose accounts.

    payable_minor = wallets_minor + budgets_minor + gift_cards_minor + others_minor
    """

    payable_minor: int
    wallets_minor: int
    budgets_minor: int
    gift_cards_minor: int
    others_minor: int


@dataclass(frozen=True, slots=True)
class Summary:
    """shape   days: (local day, its sales), only days with orders; funnel: phase -> customers, as of now"""

    currency: str
    since: datetime
    until: datetime
    sales: Sales
    days: Sequence[tuple[date, Sales]]
    ledger: Ledger
    funnel: dict[str, int]


def summary(session: Session, *, currency: str, since: datetime, until: datetime, time_zone: ZoneInfo) -> Summary:
    """The figures of since <= t < until in one currency; days are those of the time zone."""
    connection = connection_of(session)
    window = {"currency": currency, "since": since, "until": until, "zone": time_zone.key}
    total, days = _sales(connection, window)
    return Summary(currency, since, until, total, days, _ledger(connection, window), funnel(connection))


def funnel(connection: Connection) -> dict[str, int]:
    """How many customers are in each phase now."""
    rows = connection.execute("SELECT phase, count(*) FROM insights.profile GROUP BY phase").fetchall()
    counted = {str(phase): int(count) for phase, count in rows}
    return {phase: counted.get(phase, 0) for phase in PHASES}


def _sales(connection: Connection, window: dict[str, Any]) -> tuple[Sales, list[tuple[date, Sales]]]:
    rows = connection.execute(_SALES, window).fetchall()
    days = [(row[0], Sales(*row[1:])) for row in rows if row[0] is not None]
    return next(Sales(*row[1:]) for row in rows if row[0] is None), days


def _ledger(connection: Connection, window: dict[str, Any]) -> Ledger:
    moved = {str(purpose): int(amount) for purpose, amount in connection.execute(_LEDGER, window).fetchall()}
    payable = moved.pop("payable", 0)
    named = {purpose: -moved.pop(purpose, 0) for purpose in ("cash", "budget", "gift")}
    return Ledger(payable, named["cash"], named["budget"], named["gift"], -sum(moved.values()))


# One pass over the orders gives the days and, as the group of all, the total with its own distinct customers.
_SALES = """
    SELECT day, count(*), count(DISTINCT customer_id), coalesce(sum(total), 0)::bigint,
           coalesce(sum(coupons), 0)::bigint, coalesce(sum(gifts), 0)::bigint, coalesce(sum(paid), 0)::bigint,
           coalesce(sum(at_till), 0)::bigint
      FROM (SELECT (occurred_at AT TIME ZONE %(zone)s)::date AS day, customer_id,
                   (payload ->> 'total_minor')::bigint AS total,
                   (payload ->> 'discount_minor')::bigint AS coupons,
                   (payload ->> 'gift_minor')::bigint AS gifts,
                   (payload ->> 'paid_minor')::bigint AS paid,
                   (payload ->> 'at_till_minor')::bigint AS at_till
              FROM core.event
             WHERE name = 'order.completed' AND occurred_at >= %(since)s AND occurred_at < %(until)s
               AND payload ->> 'currency' = %(currency)s) o
     GROUP BY GROUPING SETS ((day), ())
     ORDER BY day
"""

# A transfer to a merchant is one that touches what the brand owes a merchant; its other entries tell who paid.
_LEDGER = """
    WITH within AS MATERIALIZED (
        SELECT e.transfer_id, e.amount, a.purpose
          FROM wallet.entry e JOIN wallet.account a ON a.id = e.account_id AND a.asset = %(currency)s
         WHERE e.effective_at >= %(since)s AND e.effective_at < %(until)s)
    SELECT purpose, sum(amount)::bigint
      FROM within
     WHERE transfer_id IN (SELECT transfer_id FROM within WHERE purpose = 'payable')
     GROUP BY purpose
"""
