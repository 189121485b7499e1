"""Rollbacks as rows, and what they go back from: a checkout with its lines."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from core import ids
from core.db import Connection
from core.idempotency import KeyReused
from rewards.rollbacks.lines import Line, Returned
from rewards.rollbacks.redeemed import Back, Redeemed

Kind = Literal["rollback", "void", "reversal", "refund"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Who gives back, under which key, and why. The same key again is the same deed for ever.

    kind  'refund': the payment was given back whole by itself
    """

    principal: str
    key: str
    fingerprint: bytes
    kind: Kind = "rollback"
    reason: str | None = None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """What went back by one deed.

    amount_minor  of the basket, or of a redemption by itself; at_till_minor: of it by the till itself
    lines         of a checkout: [(position, minor units, quantity), ...]
    redemptions   [(redemption_id, minor units, is_whole), ...]
    """

    id: UUID = field(default_factory=ids.new)
    checkout_id: UUID | None = None
    redemption_id: UUID | None = None
    kind: str
    amount_minor: int
    at_till_minor: int = 0
    currency: str
    lines: list[list[Any]] = field(default_factory=list)
    redemptions: list[list[Any]] = field(default_factory=list)
    reason: str | None
    transfer_id: UUID | None
    store_id: UUID
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A checkout that was taken. lines: as `rewards.models.CheckoutRow` keeps them."""

    id: UUID
    customer_id: UUID
    merchant_id: UUID
    store_id: UUID
    total_minor: int
    at_till_minor: int
    back_minor: int
    currency: str
    transfer_id: UUID | None
    completed_at: datetime
    lines: list[list[Any]]

    @property
    def left_minor(self) -> int:
        return self.total_minor - self.back_minor


def lock_checkouts(connection: Connection, checkout_ids: Sequence[UUID]) -> dict[UUID, Kept]:
    """effects  locks them by id"""
    rows = connection.execute(_LOCK_CHECKOUTS, [list(checkout_ids)])
    return {row[0]: Kept(**dict(zip(Kept.__dataclass_fields__, row, strict=True))) for row in rows}


def checkout_by_reference(connection: Connection, terminal_id: UUID, till_reference: str) -> UUID | None:
    query = "SELECT id FROM rewards.checkout WHERE terminal_id = %s AND till_reference = %s"
    row = connection.execute(query, [terminal_id, till_reference]).fetchone()
    return row[0] if row else None


def lines_of(connection: Connection, kept: Kept, redeemed: Sequence[Redeemed]) -> list[Line]:
    """What is left of a checkout's lines, under its lock."""
    found = {
        position: Line(position=position, amount_minor=line[4], quantity=Decimal(line[2]))
        for position, line in enumerate(kept.lines)
    }
    for each in redeemed:
        if not each.is_gift_card:
            for position, amount in each.lines:
                found[position].parts[each.id] = amount
    for position, back_minor, back_quantity in connection.execute(_LINE_BACKS, [kept.id]):
        found[position].back_minor, found[position].back_quantity = back_minor, back_quantity
    for redemption_id, position, back_minor in connection.execute(_PART_BACKS, [[each.id for each in redeemed]]):
        found[position].parts[redemption_id] -= back_minor
    return list(found.values())


def keep_lines(connection: Connection, kept: Kept, redeemed: Sequence[Redeemed], returned: Sequence[Returned]) -> None:
    """Write how much of each line, and of each voucher's part of it, went back."""
    lines = [
        (each.position, kept.lines[each.position][4], Decimal(kept.lines[each.position][2]), each.amount_minor,
         each.quantity)
        for each in returned
    ]  # fmt: skip
    given = {(each.id, position): amount for each in redeemed for position, amount in each.lines}
    parts = [
        (redemption_id, each.position, given[redemption_id, each.position], part)
        for each in returned
        for redemption_id, part in each.parts.items()
    ]
    if lines:
        connection.execute(_KEEP_LINES, [kept.id, *_columns(lines)])
    if parts:
        connection.execute(_KEEP_PARTS, _columns(parts))


def count_back(connection: Connection, checkout_id: UUID, amount_minor: int) -> None:
    """Count how much of a checkout went back."""
    query = "UPDATE rewards.checkout SET back_minor = back_minor + %s WHERE id = %s"
    connection.execute(query, [amount_minor, checkout_id])


def find(connection: Connection, deed: Deed) -> Rollback | None:
    """What was done under the deed's key before.

    raises  KeyReused where it named another deed
    """
    row = connection.execute(f"{_SELECT} WHERE principal = %s AND key = %s", [deed.principal, deed.key]).fetchone()
    if row is None:
        return None
    if row[-1] != deed.fingerprint:
        raise KeyReused
    return Rollback(**dict(zip(Rollback.__dataclass_fields__, row[:-1], strict=True)))


def has_any(connection: Connection, checkout_id: UUID) -> bool:
    return connection.execute(f"{_SELECT} WHERE checkout_id = %s LIMIT 1", [checkout_id]).rowcount > 0


def at_till_back(connection: Connection, checkout_id: UUID) -> int:
    """How much of a checkout its till has given back itself."""
    query = "SELECT coalesce(sum(at_till_minor), 0)::bigint FROM rewards.rollback WHERE checkout_id = %s"
    row = connection.execute(query, [checkout_id]).fetchone()
    return row[0] if row else 0


def insert(connection: Connection, made: Rollback, deed: Deed) -> None:
    values = [getattr(made, name) for name in Rollback.__dataclass_fields__]
    written = [Jsonb(value) if isinstance(value, list) else value for value in values]
    connection.execute(_INSERT, [*written, deed.principal, deed.key, deed.fingerprint])


def redemptions_of(backs: Sequence[Back]) -> list[list[Any]]:
    return [[str(back.redeemed.id), back.amount_minor, back.is_whole] for back in backs]


def lines_kept(returned: Sequence[Returned]) -> list[list[Any]]:
    return [[each.position, each.amount_minor, str(each.quantity)] for each in returned]


def _columns(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


_NAMES = ", ".join(Rollback.__dataclass_fields__)

_SELECT = f"SELECT {_NAMES}, fingerprint FROM rewards.rollback"  # noqa: S608 - constants only

_INSERT = f"""
    INSERT INTO rewards.rollback ({_NAMES}, principal, key, fingerprint)
    VALUES ({", ".join(["%s"] * (len(Rollback.__dataclass_fields__) + 3))})
"""  # noqa: S608 - constants only

_LOCK_CHECKOUTS = f"""
    SELECT {", ".join(Kept.__dataclass_fields__)} FROM rewards.checkout WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608 - constants only

_LINE_BACKS = "SELECT position, back_minor, back_quantity FROM rewards.checkout_line_back WHERE checkout_id = %s"

_PART_BACKS = (
    "SELECT redemption_id, position, back_minor FROM rewards.redemption_line_back WHERE redemption_id = ANY(%s)"
)

_KEEP_LINES = """
    INSERT INTO rewards.checkout_line_back AS b
           (checkout_id, position, amount_minor, quantity, back_minor, back_quantity)
    SELECT %s, position, amount_minor, quantity, back_minor, back_quantity
      FROM unnest(%s::int[], %s::bigint[], %s::numeric[], %s::bigint[], %s::numeric[])
           AS n (position, amount_minor, quantity, back_minor, back_quantity)
        ON CONFLICT (checkout_id, position) DO UPDATE
       SET back_minor = b.back_minor + excluded.back_minor, back_quantity = b.back_quantity + excluded.back_quantity
"""

_KEEP_PARTS = """
    INSERT INTO rewards.redemption_line_back AS b (redemption_id, position, amount_minor, back_minor)
    SELECT redemption_id, position, amount_minor, back_minor
      FROM unnest(%s::uuid[], %s::int[], %s::bigint[], %s::bigint[])
           AS n (redemption_id, position, amount_minor, back_minor)
        ON CONFLICT (redemption_id, position) DO UPDATE SET back_minor = b.back_minor + excluded.back_minor
"""
