"""Redemptions as rollbacks see them, and giving their uses back: vouchers, counters, and the rows that say so."""

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import NotFound
from core.events import announce_all
from rewards import counters, terms
from rewards.rollbacks.events import VoucherRolledBack
from wallet import accounts

ROLLED_BACK = "rolled_back"

#: The measure of a counter that counts minor units, and so goes back in parts.
_AMOUNT = "amount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """A redemption that was made.

    lines    what the voucher took off each line: [(position, minor units), ...]
    counted  [(scope, measure, bucket, amount), ...]
    """

    id: UUID
    voucher_id: UUID
    campaign_id: UUID
    customer_id: UUID | None
    merchant_id: UUID
    store_id: UUID
    terminal_id: UUID
    till_reference: str
    amount_minor: int
    back_minor: int
    currency: str
    transfer_id: UUID | None
    checkout_id: UUID | None
    state: str
    redeemed_at: datetime
    rolled_back_at: datetime | None
    lines: list[list[int]]
    counted: list[list[Any]]
    is_gift_card: bool
    is_generic: bool

    @property
    def left_minor(self) -> int:
        return self.amount_minor - self.back_minor

    @property
    def stands(self) -> bool:
        """Whether its use still counts, whatever of its value went back."""
        return self.state != ROLLED_BACK

    @property
    def account(self) -> UUID:
        """Where its value came from."""
        if self.is_gift_card:
            return terms.gift_account(self.voucher_id, self.currency)
        return accounts.id_of(terms.owner_of(self.campaign_id), "budget", self.currency)


@dataclass(frozen=True, slots=True)
class Back:
    """What goes back of a redemption. is_whole: its use as well."""

    redeemed: Redeemed
    amount_minor: int
    is_whole: bool


def of_checkouts(connection: Connection, checkout_ids: Sequence[UUID]) -> list[Redeemed]:
    """In the order in which they were applied. Their checkout's lock holds them, too."""
    return _read(connection, f"{_SELECT} WHERE r.checkout_id = ANY(%s) ORDER BY r.id", [list(checkout_ids)])


def lock(connection: Connection, redemption_id: UUID) -> Redeemed | None:
    found = _read(connection, f"{_SELECT} WHERE r.id = %s FOR UPDATE OF r", [redemption_id])
    return found[0] if found else None


def by_reference(connection: Connection, terminal_id: UUID, till_reference: str) -> UUID | None:
    """The redemption by itself that stands under a till's reference."""
    row = connection.execute(_BY_REFERENCE, [terminal_id, till_reference]).fetchone()
    return row[0] if row else None


def find(connection: Connection, terminal_id: UUID, till_reference: str) -> Redeemed:
    """The redemption by itself that stands under a till's reference, to be looked at.

    raises  NotFound
    """
    query = f"{_SELECT} WHERE r.terminal_id = %s AND r.till_reference = %s AND r.checkout_id IS NULL"
    found = _read(connection, query, [terminal_id, till_reference])
    if not found:
        raise NotFound
    return found[0]


def lock_vouchers(connection: Connection, redeemed: Sequence[Redeemed]) -> None:
    """Lock the vouchers by id, before counters and before the ledger, as everywhere."""
    connection.execute(_LOCK_VOUCHERS, [[each.voucher_id for each in redeemed if not each.is_generic]])


def uncount(connection: Connection, backs: Sequence[Back]) -> None:
    """Give the counters back, in the buckets where they were counted: uses with the whole, amounts as they go back."""
    counters.give_back(connection, [change for back in backs for change in _changes(back)])


def note(session: Session, backs: Sequence[Back], *, at: datetime) -> None:
    """Write what went back, and let the vouchers be used again whose use did.

    effects  announces voucher.rolled_back; the vouchers must be locked
    """
    if not backs:
        return
    connection = connection_of(session)
    columns = zip(*[(back.redeemed.id, back.amount_minor, back.is_whole) for back in backs], strict=True)
    connection.execute(_NOTE, [at, *[list(column) for column in columns]])
    unused = Tally(back.redeemed.voucher_id for back in backs if back.is_whole and not back.redeemed.is_generic)
    connection.execute(_UNUSE, [list(unused), list(unused.values())])
    announce_all(session, [_fact(back, at) for back in backs])


def _changes(back: Back) -> list[tuple[counters.Counted, int]]:
    found = []
    for scope, measure, bucket, amount in back.redeemed.counted:
        gone = min(back.redeemed.back_minor, amount) if measure == _AMOUNT else 0
        share = amount - gone if back.is_whole else min(back.amount_minor, amount - gone)
        if measure == _AMOUNT or back.is_whole:
            found.append(((back.redeemed.campaign_id, scope, measure, bucket), share))
    return found


def _fact(back: Back, at: datetime) -> VoucherRolledBack:
    of = back.redeemed
    return VoucherRolledBack(
        customer_id=of.customer_id,
        occurred_at=at,
        redemption_id=of.id,
        voucher_id=of.voucher_id,
        campaign_id=of.campaign_id,
        merchant_id=of.merchant_id,
        checkout_id=of.checkout_id,
        amount_minor=back.amount_minor,
        currency=of.currency,
        is_whole=back.is_whole,
    )


def _read(connection: Connection, query: str, values: list[object]) -> list[Redeemed]:
    return [Redeemed(**dict(zip(_FIELDS, row, strict=True))) for row in connection.execute(query, values)]


_FIELDS = tuple(Redeemed.__dataclass_fields__)

_SELECT = """
    SELECT r.id, r.voucher_id, r.campaign_id, r.customer_id, r.merchant_id, r.store_id, r.terminal_id, r.till_reference,
           r.amount_minor, r.back_minor, r.currency, r.transfer_id, r.checkout_id, r.state, r.redeemed_at,
           r.rolled_back_at, r.lines, r.counted, c.kind = 'gift_card', v.is_generic
      FROM rewards.redemption r JOIN rewards.voucher v ON v.id = r.voucher_id
      JOIN rewards.campaign c ON c.id = r.campaign_id
"""

_BY_REFERENCE = """
    SELECT id FROM rewards.redemption WHERE terminal_id = %s AND till_reference = %s AND checkout_id IS NULL
"""

_LOCK_VOUCHERS = "SELECT FROM rewards.voucher WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

_NOTE = """
    UPDATE rewards.redemption r
       SET back_minor = r.back_minor + b.amount_minor,
           state = CASE WHEN b.is_whole THEN 'rolled_back' ELSE 'partially_rolled_back' END, rolled_back_at = %s
      FROM unnest(%s::uuid[], %s::bigint[], %s::boolean[]) AS b (id, amount_minor, is_whole)
     WHERE r.id = b.id
"""

# One that was blocked meanwhile stays so.
_UNUSE = """
    UPDATE rewards.voucher v
       SET used = v.used - b.uses, state = CASE WHEN v.state = 'used_up' THEN 'active' ELSE v.state END
      FROM unnest(%s::uuid[], %s::int[]) AS b (id, uses)
     WHERE v.id = b.id
"""
