"""Monthly statements: what stood on a customer's accounts, what came and went in a month, and what stood there then.

A month is the brand's, by business time. The running balance is counted through the month in that order; so a transfer
that is recorded late, with an earlier time, stands where it belongs, and its month has one line more from then on.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db import connection_of
from core.errors import NotFound
from wallet.errors import StatementInFuture, StatementTooLong


@dataclass(frozen=True, slots=True)
class Month:
    """first  its first day"""

    first: date

    @property
    def name(self) -> str:
        """ "2026-10"."""
        return f"{self.first:%Y-%m}"

    @property
    def after(self) -> "Month":
        return Month(_months_on(self.first, 1))

    def begins(self, zone: ZoneInfo) -> datetime:
        return datetime.combine(self.first, time(), zone)

    def ends(self, zone: ZoneInfo) -> datetime:
        """The first instant that is no longer in it."""
        return self.after.begins(zone)


@dataclass(frozen=True, slots=True)
class Line:
    """units  amount, balance: minor units of the section's asset; the balance is that after the line"""

    transfer_id: UUID
    at: datetime
    kind: str
    merchant_name: str | None
    reference: str | None
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class Section:
    """One account's month."""

    purpose: str
    asset: str
    opening: int
    lines: tuple[Line, ...]

    @property
    def closing(self) -> int:
        return self.opening + self.came_in + self.went_out

    @property
    def came_in(self) -> int:
        return sum(line.amount for line in self.lines if line.amount > 0)

    @property
    def went_out(self) -> int:
        """At most zero."""
        return sum(line.amount for line in self.lines if line.amount < 0)


@dataclass(frozen=True, slots=True)
class Statement:
    """until  the instant at which it was made, where its month is not over; else None"""

    customer_id: UUID
    month: Month
    zone: ZoneInfo
    until: datetime | None
    sections: tuple[Section, ...]


def month_of(at: datetime, zone: ZoneInfo) -> Month:
    return Month(at.astimezone(zone).date().replace(day=1))


def named(name: str) -> Month:
    """The month "2026-10".

    raises  NotFound for what is no month
    """
    if not re.fullmatch("[0-9]{4}-(0[1-9]|1[0-2])", name) or name < "0001":
        raise NotFound("There is no such month")
    return Month(date(int(name[:4]), int(name[5:]), 1))


def of_customer(session: Session, customer_id: UUID, *, zone: ZoneInfo, now: datetime) -> list[Month]:
    """The months with a statement, the latest first: from the customer's first entry to the current month."""
    row = connection_of(session).execute(_FIRST, [f"customer:{customer_id}"]).fetchone()
    current = month_of(now, zone)
    first = month_of(row[0], zone) if row and row[0] else current
    count = (current.first.year - first.first.year) * 12 + current.first.month - first.first.month
    return [Month(_months_on(current.first, -back)) for back in range(count + 1)]


def statement(
    session: Session, customer_id: UUID, *, month: Month, most_lines: int, zone: ZoneInfo, now: datetime
) -> Statement:
    """A month's statement; of the current month, what there is of it until now.

    raises   StatementInFuture; NotFound for a month before the customer's first entry; StatementTooLong
    effects  sets the transaction's isolation, so it must be the first thing that this does
    """
    # Openings and lines are two queries, which must see the same entries.
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    current = month_of(now, zone)
    if month.first > current.first:
        raise StatementInFuture(current=current.name)
    if month not in of_customer(session, customer_id, zone=zone, now=now):
        raise NotFound("There is no statement of this month")

    names = {"owner": f"customer:{customer_id}", "begins": month.begins(zone), "ends": month.ends(zone)}
    connection = connection_of(session)
    accounts = connection.execute(_ACCOUNTS, names).fetchall()
    rows = connection.execute(_LINES, {**names, "most": most_lines + 1}).fetchall()
    if len(rows) > most_lines:
        raise StatementTooLong(most_lines=most_lines)

    lines = {account_id: list(of_one) for account_id, of_one in groupby(rows, key=lambda row: row[0])}
    sections = [_section(account, lines.get(account[0], [])) for account in accounts]
    return Statement(
        customer_id=customer_id,
        month=month,
        zone=zone,
        until=now if month == current else None,
        sections=tuple([each for each in sections if each.lines or each.opening or each.purpose == "cash"]),
    )


def _section(account: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Section:
    _, purpose, asset, opening = account
    balance, lines = opening, []
    for _, transfer_id, at, kind, merchant_name, reference, amount in rows:
        balance += amount
        lines.append(Line(transfer_id, at, kind, merchant_name, reference, amount, balance))
    return Section(purpose, asset, opening, tuple(lines))


def _months_on(first: date, months: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


_FIRST = """
    SELECT min(e.effective_at)
      FROM wallet.account a JOIN wallet.entry e ON e.account_id = a.id
     WHERE a.owner = %s
"""

_ACCOUNTS = """
    SELECT a.id, a.purpose, a.asset, coalesce(before.amount, 0)::bigint
      FROM wallet.account a
      LEFT JOIN LATERAL (
          SELECT sum(e.amount) AS amount FROM wallet.entry e WHERE e.account_id = a.id AND e.effective_at < %(begins)s
      ) before ON true
     WHERE a.owner = %(owner)s
     ORDER BY a.purpose, a.asset
"""

_LINES = """
    SELECT e.account_id, e.transfer_id, e.effective_at, t.kind, m.name, t.details ->> 'reference', e.amount
      FROM wallet.account a
      JOIN wallet.entry e ON e.account_id = a.id AND e.effective_at >= %(begins)s AND e.effective_at < %(ends)s
      JOIN wallet.transfer t ON t.id = e.transfer_id
      LEFT JOIN auth.merchant m ON m.id = (t.details ->> 'merchant_id')::uuid
     WHERE a.owner = %(owner)s
     ORDER BY e.account_id, e.effective_at, e.transfer_id
     LIMIT %(most)s
"""
