"""Synced records as rows: what a till says that it took, and what that came to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from core import crypto, ids
from core.db import Connection
from rewards.baskets import Basket
from rewards.offline.events import OfflineRedemptionSynced
from wallet.paying.tills import Till

State = Literal["succeeded", "conflict", "reversed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a till took while it was offline.

    scanned       what the phone showed, to the letter
    amount_minor  what the till gave for it
    accepted_at   by the till's clock
    """

    till: Till
    till_reference: str
    scanned: str
    basket: Basket
    currency: str
    amount_minor: int
    accepted_at: datetime

    @property
    def lines(self) -> list[list[Any]]:
        return [
            [each.sku, each.category, each.quantity, each.unit, each.amount_minor, each.coupon_minor, each.tax_minor]
            for each in self.basket.lines
        ]

    @property
    def fingerprint(self) -> bytes:
        """What a repetition repeats."""
        asked = [self.scanned, self.lines, self.currency, self.amount_minor, self.accepted_at.isoformat()]
        return crypto.blind_index("offline_record", json.dumps(asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a record came to; the members are as `models.OfflineRedemptionRow` has them.

    replayed  it had been synced before
    """

    till_reference: str
    amount_minor: int
    currency: str
    accepted_at: datetime
    synced_at: datetime
    state: State
    token_id: UUID | None = None
    voucher_id: UUID | None = None
    customer_id: UUID | None = None
    code: str | None = None
    cause: str | None = None
    borne_by: str | None = None
    allowed_on: date | None = None
    redeemed_minor: int = 0
    lost_minor: int = 0
    redemption_id: UUID | None = None
    loss_id: UUID | None = None
    reversed_at: datetime | None = None
    id: UUID = field(default_factory=ids.new)
    replayed: bool = field(default=False, compare=False)

    @property
    def paid_minor(self) -> int:
        """What the merchant is owed for it."""
        return 0 if self.state == "reversed" else self.redeemed_minor + self.lost_minor

    def fact(self, till: Till) -> OfflineRedemptionSynced:
        return OfflineRedemptionSynced(
            customer_id=self.customer_id,
            occurred_at=self.synced_at,
            offline_redemption_id=self.id,
            voucher_id=self.voucher_id,
            merchant_id=till.merchant_id,
            store_id=till.store_id,
            terminal_id=till.terminal_id,
            accepted_at=self.accepted_at,
            state=self.state,
            code=self.code,
            borne_by=self.borne_by,
            amount_minor=self.amount_minor,
            redeemed_minor=self.redeemed_minor,
            lost_minor=self.lost_minor,
            currency=self.currency,
        )


def find(connection: Connection, terminal_id: UUID, till_reference: str) -> tuple[Synced, bytes] | None:
    """What a terminal synced under its reference before, with that record's fingerprint."""
    query = f"{_SELECT} WHERE terminal_id = %s AND till_reference = %s"
    row = connection.execute(query, [terminal_id, till_reference]).fetchone()
    return (_synced(row), row[-1]) if row else None


def page(connection: Connection, terminal_id: UUID, *, before: UUID | None, limit: int) -> Sequence[Synced]:
    """A terminal's, the latest synced first."""
    query = f"{_SELECT} WHERE terminal_id = %s AND (%s::uuid IS NULL OR id < %s) ORDER BY id DESC LIMIT %s"
    return [_synced(row) for row in connection.execute(query, [terminal_id, before, before, limit])]


def page_of_all(
    connection: Connection,
    *,
    borne_by: str | None,
    terminal_id: UUID | None,
    customer_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> Sequence[tuple[Till, Synced]]:
    """Everybody's, the latest synced first; those alone that the brand or the merchant bears, where that is asked."""
    names = {"borne_by": borne_by, "terminal_id": terminal_id, "customer_id": customer_id, "before": before}
    # Only what is asked stands in the query: a plan for all of it would look through everybody's.
    wanted = [_ASKED[name] for name, value in names.items() if value is not None]
    query = f"{_OF_ALL} WHERE {' AND '.join(wanted or ['true'])} ORDER BY id DESC LIMIT %(limit)s"
    rows = connection.execute(query, {**names, "limit": limit}).fetchall()
    return [(Till(merchant_id=row[0], store_id=row[1], terminal_id=row[2]), _synced([*row[3:], None])) for row in rows]


def lock_token(connection: Connection, token_id: UUID) -> tuple[UUID, dict[str, Any]] | None:
    """Whose token it is and what it says, locked: of two tills that sync it at once, one is first."""
    query = "SELECT customer_id, claims FROM rewards.offline_token WHERE id = %s FOR NO KEY UPDATE"
    row = connection.execute(query, [token_id]).fetchone()
    return (row[0], row[1]) if row else None


def spent_at(connection: Connection, token_id: UUID) -> set[UUID]:
    """The terminals that were paid for a token before, by its voucher or by the brand, and have not given that back."""
    return {row[0] for row in connection.execute(_SPENT, [token_id])}


def is_held_by(connection: Connection, voucher_id: UUID, customer_id: UUID) -> bool:
    query = "SELECT FROM rewards.voucher WHERE id = %s AND customer_id = %s"
    return connection.execute(query, [voucher_id, customer_id]).rowcount == 1


def insert(connection: Connection, record: Record, synced: Synced) -> None:
    till = record.till
    values = [getattr(synced, name) for name in _FIELDS]
    evidence = [till.merchant_id, till.store_id, till.terminal_id, record.scanned, json.dumps(record.lines)]
    connection.execute(_INSERT, [*values, *evidence, record.fingerprint])


def _synced(row: Sequence[Any]) -> Synced:
    return Synced(**dict(zip(_FIELDS, row[:-1], strict=True)))


_FIELDS = tuple(name for name in Synced.__dataclass_fields__ if name != "replayed")
_NAMES = ", ".join(_FIELDS)

_SELECT = f"SELECT {_NAMES}, fingerprint FROM rewards.offline_redemption"  # noqa: S608 - constants only

_OF_ALL = f"SELECT merchant_id, store_id, terminal_id, {_NAMES} FROM rewards.offline_redemption"  # noqa: S608 - likewise

_ASKED = {
    "borne_by": "borne_by = %(borne_by)s",
    "terminal_id": "terminal_id = %(terminal_id)s",
    "customer_id": "customer_id = %(customer_id)s",
    "before": "id < %(before)s",
}

_SPENT = """
    SELECT terminal_id FROM rewards.offline_redemption
     WHERE token_id = %s AND state <> 'reversed' AND (redemption_id IS NOT NULL OR loss_id IS NOT NULL)
"""

_INSERT = f"""
    INSERT INTO rewards.offline_redemption
           ({_NAMES}, merchant_id, store_id, terminal_id, scanned, lines, fingerprint)
    VALUES ({", ".join(["%s"] * len(_FIELDS))}, %s, %s, %s, %s, %s::jsonb, %s)
"""  # noqa: S608 - constants only
