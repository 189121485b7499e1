"""The trial balance: what stands on the accounts of each class, in columns whose totals are equal for each asset."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from core.db import Connection


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """The accounts of one kind of owner and one purpose: ("customer", "cash"), ("brand", "provider").

    units  minor units of the asset. Debits: the accounts that stand below zero (what others hold for us or owe us);
           credits: those above (what we owe)
    """

    asset: str
    owner_kind: str
    purpose: str
    accounts: int
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """One asset's classes with their totals."""

    asset: str
    classes: Sequence[ClassBalance]

    @property
    def debit_minor(self) -> int:
        return sum(each.debit_minor for each in self.classes)

    @property
    def credit_minor(self) -> int:
        return sum(each.credit_minor for each in self.classes)

    @property
    def is_balanced(self) -> bool:
        return self.debit_minor == self.credit_minor


def now(connection: Connection, *, asset: str | None = None) -> list[TrialBalance]:
    """As everything stands now, from the balances: their number tells the cost, not that of the entries."""
    return _by_asset(connection.execute(_NOW + _CLASSES, {"asset": asset}).fetchall())


def as_of(connection: Connection, at: datetime, *, asset: str | None = None) -> list[TrialBalance]:
    """As everything stood at the end of a business instant, from the entries effective up to and including it.

    It reads every entry (no index is kept by business time, since each would slow every payment down), but as a
    reader: it holds nobody back.
    """
    return _by_asset(connection.execute(_AS_OF + _CLASSES, {"asset": asset, "at": at}).fetchall())


def _by_asset(rows: Sequence[tuple[Any, ...]]) -> list[TrialBalance]:
    classes = [ClassBalance(*row) for row in rows]
    return [TrialBalance(asset, list(found)) for asset, found in groupby(classes, key=lambda each: each.asset)]


_NOW = "WITH standing AS (SELECT account_id, sum(posted) AS amount FROM wallet.balance GROUP BY account_id)"

_AS_OF = """
    WITH standing AS (
        SELECT account_id, sum(amount) AS amount FROM wallet.entry WHERE effective_at <= %(at)s GROUP BY account_id)
"""

_CLASSES = """
    SELECT a.asset, split_part(a.owner, ':', 1) AS owner_kind, a.purpose, count(*),
           sum(greatest(-s.amount, 0))::bigint, sum(greatest(s.amount, 0))::bigint
      FROM standing s JOIN wallet.account a ON a.id = s.account_id
     WHERE %(asset)s::text IS NULL OR a.asset = %(asset)s
     GROUP BY a.asset, owner_kind, a.purpose
     ORDER BY a.asset, owner_kind, a.purpose
"""
