"""Checkouts as rows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import Connection
from rewards.funds import Beaten
from rewards.redemption import recording
from rewards.redemption.recording import Redemption
from wallet.paying.tills import Till


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A basket that was taken: total_minor = discount_minor (coupons) + gift_minor (gift cards) + paid_minor (wallet)
    + at_till_minor (what the till collects itself).

    transfer_id  None where no value moved
    lines        [sku, category, quantity, unit, amount_minor, coupon_minor, tax_minor, discount_minor] each
    left_out     vouchers that were shown and not used: their places in the list, and why
    replayed     it had been taken before, under the same till's reference
    """

    id: UUID
    customer_id: UUID
    till: Till
    till_reference: str
    total_minor: int
    discount_minor: int
    gift_minor: int
    paid_minor: int
    at_till_minor: int = 0
    currency: str
    transfer_id: UUID | None
    completed_at: datetime
    lines: tuple[tuple[Any, ...], ...] = ()
    left_out: tuple[tuple[int, str], ...] = ()
    redemptions: tuple[Redemption, ...] = ()
    replayed: bool = field(default=False, compare=False)


def by_reference(
    connection: Connection, names: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], tuple[Checkout, bytes]]:
    """What was taken before under these tills' references, each with the fingerprint of its request."""
    columns = [[terminal_id for terminal_id, _ in names], [till_reference for _, till_reference in names]]
    rows = connection.execute(_SELECT, columns).fetchall()
    redemptions = recording.of_checkouts(connection, [row[1] for row in rows])
    found: dict[tuple[UUID, str], tuple[Checkout, bytes]] = {}
    for fingerprint, *row in rows:
        checkout = _checkout(*row)
        checkout = replace(checkout, redemptions=tuple(redemptions.get(checkout.id, ())))
        found[checkout.till.terminal_id, checkout.till_reference] = (checkout, fingerprint)
    return found


def named_otherwise(connection: Connection, names: Sequence[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Those of (terminal, till's reference) under which a voucher was redeemed by itself, or some were reserved.

    The ledger knows them, too, but for those that took nothing off.
    """
    columns = [[terminal_id for terminal_id, _ in names], [till_reference for _, till_reference in names]]
    return set(connection.execute(_NAMED_OTHERWISE, columns * 2).fetchall())


def bar_reversals(connection: Connection, names: Sequence[tuple[UUID, str]]) -> None:
    """Hold up reversals of these references until this transaction ends: for baskets that leave no key in the ledger.

    effects  takes locks in the order of their names, before any row's
    """
    for terminal_id, till_reference in sorted(names):
        connection.execute(_BAR, [str(terminal_id), till_reference])


def insert(connection: Connection, checkouts: Sequence[tuple[Checkout, bytes]]) -> None:
    """Write checkouts with the fingerprints of their requests, with one statement for any number.

    raises  Beaten when another transaction used one of the references meanwhile
    """
    if checkouts:
        columns = zip(*[_columns(checkout, fingerprint) for checkout, fingerprint in checkouts], strict=True)
        if connection.execute(_INSERT, [list(column) for column in columns]).rowcount < len(checkouts):
            raise Beaten


def _columns(checkout: Checkout, fingerprint: bytes) -> list[object]:
    till = checkout.till
    return [
        fingerprint, checkout.id, checkout.customer_id, till.merchant_id, till.store_id, till.terminal_id,
        checkout.till_reference, checkout.total_minor, checkout.discount_minor, checkout.gift_minor,
        checkout.paid_minor, checkout.at_till_minor, checkout.currency, checkout.transfer_id, checkout.completed_at,
        json.dumps(checkout.lines), json.dumps(checkout.left_out) if checkout.left_out else None,
    ]  # fmt: skip


def _checkout(
    checkout_id: UUID,
    customer_id: UUID,
    merchant_id: UUID,
    store_id: UUID,
    terminal_id: UUID,
    till_reference: str,
    total_minor: int,
    discount_minor: int,
    gift_minor: int,
    paid_minor: int,
    at_till_minor: int,
    currency: str,
    transfer_id: UUID | None,
    completed_at: datetime,
    lines: list[list[Any]],
    left_out: list[list[Any]] | None,
) -> Checkout:
    return Checkout(
        id=checkout_id,
        customer_id=customer_id,
        till=Till(merchant_id=merchant_id, store_id=store_id, terminal_id=terminal_id),
        till_reference=till_reference,
        total_minor=total_minor,
        discount_minor=discount_minor,
        gift_minor=gift_minor,
        paid_minor=paid_minor,
        at_till_minor=at_till_minor,
        currency=currency,
        transfer_id=transfer_id,
        completed_at=completed_at,
        lines=tuple([tuple(line) for line in lines]),
        left_out=tuple([(place, code) for place, code in left_out or ()]),
    )


_NAMES = """id, customer_id, merchant_id, store_id, terminal_id, till_reference, total_minor,
           discount_minor, gift_minor, paid_minor, at_till_minor, currency, transfer_id, completed_at, lines,
           left_out"""

_SELECT = f"""
    SELECT fingerprint, {_NAMES}
      FROM rewards.checkout
      JOIN unnest(%s::uuid[], %s::text[]) AS w (terminal_id, till_reference) USING (terminal_id, till_reference)
"""  # noqa: S608 - constants only

_NAMED_OTHERWISE = """
    SELECT terminal_id, till_reference
      FROM rewards.redemption JOIN unnest(%s::uuid[], %s::text[]) AS w (terminal_id, till_reference)
           USING (terminal_id, till_reference)
     WHERE checkout_id IS NULL
     UNION
    SELECT terminal_id, till_reference
      FROM rewards.reservation JOIN unnest(%s::uuid[], %s::text[]) AS w (terminal_id, till_reference)
           USING (terminal_id, till_reference)
"""

_INSERT = f"""
    INSERT INTO rewards.checkout
           (fingerprint, {_NAMES})
    SELECT fingerprint, {_NAMES.replace("lines,", "lines::jsonb,").replace("left_out", "left_out::jsonb")}
      FROM unnest(%s::bytea[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::bigint[],
                  %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::uuid[],
                  %s::timestamptz[], %b::text[], %b::text[])
           AS c (fingerprint, {_NAMES})
     ORDER BY terminal_id, till_reference
        ON CONFLICT (terminal_id, till_reference) DO NOTHING
"""  # noqa: S608 - constants only

# The lock of `rewards.redeem` (migration 0021) and of `rewards.rollbacks.reversing`.
_BAR = "SELECT pg_advisory_xact_lock(hashtextextended('till:' || %s || '/' || %s, 4))"
