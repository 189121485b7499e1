"""Reservations as rows."""

import json
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from core.db import Connection
from rewards import terms
from rewards.discounts import Allocation
from rewards.reservations.errors import ReservationOver
from wallet.accounts import Opening
from wallet.ledger import Leg
from wallet.paying.tills import Till

State = Literal["open", "taken", "released", "expired", "reversed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedUse:
    """One voucher's part in a reserved basket. counted: scope, measure, bucket, amount"""

    voucher_id: UUID
    campaign_id: UUID
    customer_id: UUID | None
    kind: str
    amount_minor: int
    currency: str
    lines: Allocation
    counted: tuple[tuple[str, str, str, int], ...]

    @property
    def source(self) -> Opening:
        """The account that its value comes from: it was opened when it was funded."""
        if self.kind == "gift_card":
            return Opening(terms.card_owner(self.voucher_id), "gift", self.currency, 0)
        return Opening(terms.owner_of(self.campaign_id), "budget", self.currency, 0)

    @property
    def leg(self) -> Leg:
        return Leg(self.source.id, -self.amount_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """total_minor = discount_minor (coupons) + gift_minor (gift cards) + what is left to pay.

    lines, left_out  as `rewards.checkouts.rows.Checkout` has them
    replayed         it had been placed before, under the same till's reference
    """

    id: UUID
    customer_id: UUID
    till: Till
    till_reference: str
    fingerprint: bytes
    visit_id: UUID | None
    total_minor: int
    discount_minor: int
    gift_minor: int
    currency: str
    lines: tuple[tuple[Any, ...], ...]
    hold_id: UUID | None
    reserved_at: datetime
    reserved_until: datetime
    state: State = "open"
    ended_at: datetime | None = None
    checkout_id: UUID | None = None
    left_out: tuple[tuple[int, str], ...] = ()
    uses: tuple[ReservedUse, ...] = ()
    replayed: bool = field(default=False, compare=False)

    @property
    def rest_minor(self) -> int:
        return self.total_minor - self.discount_minor - self.gift_minor

    def is_open(self, at: datetime) -> bool:
        """Up to, and without, its last instant."""
        return self.state == "open" and at < self.reserved_until


def insert(connection: Connection, made: Reservation) -> None:
    till = made.till
    values = [
        made.id, made.customer_id, till.merchant_id, till.store_id, till.terminal_id, made.till_reference,
        made.fingerprint, made.visit_id, made.total_minor, made.discount_minor, made.gift_minor, made.currency,
        json.dumps(made.lines), json.dumps(made.left_out) if made.left_out else None, made.hold_id, made.reserved_at,
        made.reserved_until,
    ]  # fmt: skip
    connection.execute(_INSERT, values)
    if made.uses:
        rows = [
            (each.voucher_id, each.campaign_id, each.customer_id, each.kind, each.amount_minor, json.dumps(each.lines),
             json.dumps(each.counted))
            for each in made.uses
        ]  # fmt: skip
        connection.execute(_INSERT_USES, [made.id, *[list(column) for column in zip(*rows, strict=True)]])


def lock(connection: Connection, reservation_id: UUID, till: Till) -> Reservation:
    """A reservation of this till's, whatever became of it, which nobody else ends meanwhile.

    raises  ReservationOver for what is not this terminal's
    """
    return _one(
        connection, f"{_SELECT} WHERE id = %s AND terminal_id = %s FOR UPDATE", [reservation_id, till.terminal_id]
    )


def find(connection: Connection, reservation_id: UUID, till: Till) -> Reservation:
    """raises  ReservationOver"""
    return _one(connection, f"{_SELECT} WHERE id = %s AND terminal_id = %s", [reservation_id, till.terminal_id])


def by_reference(connection: Connection, terminal_id: UUID, till_reference: str, *, locks: bool) -> Reservation | None:
    """What was reserved under a till's reference."""
    query = f"{_SELECT} WHERE terminal_id = %s AND till_reference = %s {'FOR UPDATE' if locks else ''}"
    found = _read(connection, query, [terminal_id, till_reference])
    return found[0] if found else None


def lock_due(connection: Connection, *, now: datetime, most: int) -> list[Reservation]:
    """Open ones whose time has passed; those that somebody is at are passed over."""
    query = (
        f"{_SELECT} WHERE state = 'open' AND reserved_until <= %s ORDER BY reserved_until LIMIT %s"
        " FOR UPDATE SKIP LOCKED"
    )
    return _read(connection, query, [now, most])


def end(
    connection: Connection,
    reservations: Sequence[Reservation],
    state: State,
    *,
    at: datetime,
    checkout_id: UUID | None = None,
) -> list[Reservation]:
    """Write what became of locked reservations."""
    connection.execute(_END, [state, at, checkout_id, [each.id for each in reservations]])
    return [replace(each, state=state, ended_at=at, checkout_id=checkout_id) for each in reservations]


def sources_of(uses: Sequence[ReservedUse]) -> list[tuple[Opening, int]]:
    """What each account gives: two coupons of one campaign take from one budget."""
    found: Tally[Opening] = Tally()
    for use in uses:
        found[use.source] += use.amount_minor
    return [(account, amount) for account, amount in found.items() if amount]


def _one(connection: Connection, query: str, values: list[Any]) -> Reservation:
    found = _read(connection, query, values)
    if not found:
        raise ReservationOver
    return found[0]


def _read(connection: Connection, query: str, values: list[Any]) -> list[Reservation]:
    rows = connection.execute(query, values).fetchall()
    uses: dict[UUID, list[ReservedUse]] = {row[0]: [] for row in rows}
    if rows:
        for reservation_id, *use in connection.execute(_USES, [list(uses)]):
            uses[reservation_id].append(_use(*use))
    return [_reservation(row, uses[row[0]]) for row in rows]


def _reservation(row: tuple[Any, ...], uses: Sequence[ReservedUse]) -> Reservation:
    named = dict(zip(_FIELDS, row, strict=True))
    till = Till(**{name: named.pop(name) for name in ("merchant_id", "store_id", "terminal_id")})
    named["lines"] = tuple([tuple(line) for line in named["lines"]])
    named["left_out"] = tuple([(place, code) for place, code in named["left_out"] or ()])
    return Reservation(till=till, uses=tuple(uses), **named)


def _use(
    voucher_id: UUID,
    campaign_id: UUID,
    customer_id: UUID | None,
    kind: str,
    amount_minor: int,
    currency: str,
    lines: list[list[int]],
    counted: list[list[Any]],
) -> ReservedUse:
    return ReservedUse(
        voucher_id=voucher_id,
        campaign_id=campaign_id,
        customer_id=customer_id,
        kind=kind,
        amount_minor=amount_minor,
        currency=currency,
        lines=tuple([(at, amount) for at, amount in lines]),
        counted=tuple([(scope, measure, bucket, amount) for scope, measure, bucket, amount in counted]),
    )


_FIELDS = (
    "id", "customer_id", "merchant_id", "store_id", "terminal_id", "till_reference", "fingerprint", "visit_id",
    "total_minor", "discount_minor", "gift_minor", "currency", "lines", "left_out", "hold_id", "reserved_at",
    "reserved_until", "state", "ended_at", "checkout_id",
)  # fmt: skip

_SELECT = f"SELECT {', '.join(_FIELDS)} FROM rewards.reservation"  # noqa: S608 - constants only

_INSERT = f"""
    INSERT INTO rewards.reservation ({", ".join(_FIELDS[:17])}, state)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s, %s, %s, 'open')
"""  # noqa: S608 - constants only

_INSERT_USES = """
    INSERT INTO rewards.reserved_use
           (reservation_id, place, voucher_id, campaign_id, customer_id, kind, amount_minor, lines, counted)
    SELECT %s, place, voucher_id, campaign_id, customer_id, kind, amount_minor, lines::jsonb, counted::jsonb
      FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::bigint[], %b::text[], %b::text[])
           WITH ORDINALITY AS u (voucher_id, campaign_id, customer_id, kind, amount_minor, lines, counted, place)
"""

_USES = """
    SELECT u.reservation_id, u.voucher_id, u.campaign_id, u.customer_id, u.kind, u.amount_minor, r.currency, u.lines,
           u.counted
      FROM rewards.reserved_use u JOIN rewards.reservation r ON r.id = u.reservation_id
     WHERE u.reservation_id = ANY(%s) ORDER BY u.reservation_id, u.place
"""

_END = """
    UPDATE rewards.reservation SET state = %s, ended_at = %s, checkout_id = %s WHERE id = ANY(%s)
"""
