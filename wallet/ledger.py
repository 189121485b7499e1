"""The ledger: value moves by transfers that sum to zero, posted in one round trip, each once under its key."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from core import ids
from core.db import Connection
from core.errors import Refusal, every_refusal, of_constraint
from core.events import Event
from core.events.announce import columns_of
from core.idempotency import KeyReused
from wallet.arrays import array_literal
from wallet.errors import AmountTooLarge, PostingRefused


@dataclass(frozen=True, slots=True)
class Leg:
    """What a transfer does to one account: a negative amount takes, a positive one gives."""

    account_id: UUID
    amount: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of value, to be posted once under (principal, key) for ever.

    fingerprint   of the request, so that the key cannot name another one
    parent_id     the transfer that this gives back from: its credits count against what each source gave
    effective_at  business time
    events        announced only when it is posted afresh
    """

    id: UUID
    principal: str
    key: str
    fingerprint: bytes
    kind: str
    legs: Sequence[Leg]
    effective_at: datetime
    parent_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Posted:
    """A transfer that stands. When replayed, id, time and details are those of the first one under its key."""

    transfer_id: UUID
    replayed: bool
    effective_at: datetime
    details: Mapping[str, Any]


def post(connection: Connection, transfer: Transfer) -> Posted:
    """`post_all` of one."""
    return post_all(connection, [transfer])[0]


def post_all(connection: Connection, transfers: Sequence[Transfer]) -> list[Posted]:
    """Post all of them in one round trip, or none; in their order on each account. Once a transaction.

    raises  InsufficientFunds, AccountMissing, AccountClosed, RefundExceedsPayment, each with the `position` at fault;
            KeyReused; the frozen refusal of one that was declined under its key before
    effects announces the events of those that are fresh; locks parts, then balances by (hot last, id)
    """
    if not transfers:
        return []
    try:
        replays = connection.execute(_POST, _columns(transfers)).fetchall()
    except psycopg.IntegrityError as error:
        refusal = _refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    except psycopg.errors.NumericValueOutOfRange as error:
        raise AmountTooLarge from error
    posted = [Posted(transfer.id, False, transfer.effective_at, transfer.details) for transfer in transfers]
    for position, *first in replays:
        posted[position - 1] = Posted(first[0], True, first[1], first[2])
    return posted


def decline(connection: Connection, transfer: Transfer, refusal: Refusal) -> bool:
    """Freeze a refusal under the transfer's key, for its retries; False when the key is taken meanwhile."""
    return decline_all(connection, [transfer], refusal) == 1


def decline_all(connection: Connection, transfers: Sequence[Transfer], refusal: Refusal) -> int:
    """`decline` for many, in one statement; how many keys were free. Waits for whoever is posting under one of them."""
    kept = json.dumps({"code": refusal.code, "detail": refusal.detail, "facts": refusal.facts})
    rows = [
        (each.id, each.principal, each.key, each.fingerprint, each.kind, json.dumps(dict(each.details)),
         each.effective_at)
        for each in transfers
    ]  # fmt: skip
    columns = [list(column) for column in zip(*rows, strict=True)]
    return connection.execute(_DECLINE, [kept, *columns]).rowcount


def find(connection: Connection, *, principal: str, key: str, fingerprint: bytes) -> Posted | None:
    """What was posted under a key before, if anything.

    raises  KeyReused; the frozen refusal
    """
    row = connection.execute(_FIND, [principal, key]).fetchone()
    if row is None:
        return None
    if row[3] != fingerprint:
        raise KeyReused
    if row[4] is not None:
        raise _thawed(row[4])
    return Posted(row[0], True, row[1], row[2])


def _columns(transfers: Sequence[Transfer]) -> list[str]:
    """The arrays that `_POST` is called with, as literals: psycopg's own dumping of 23 lists took half of the time."""
    legs = [(place, leg) for place, transfer in enumerate(transfers, 1) for leg in transfer.legs]
    events = [(place, event) for place, transfer in enumerate(transfers, 1) for event in transfer.events]
    columns: list[list[Any]] = [
        [transfer.id for transfer in transfers],
        [transfer.principal for transfer in transfers],
        [transfer.key for transfer in transfers],
        [transfer.fingerprint for transfer in transfers],
        [transfer.kind for transfer in transfers],
        [transfer.parent_id for transfer in transfers],
        [transfer.effective_at for transfer in transfers],
        [json.dumps(dict(transfer.details), separators=(",", ":")) for transfer in transfers],
        [place for place, _ in legs],
        [ids.new() for _ in legs],
        [leg.account_id for _, leg in legs],
        [leg.amount for _, leg in legs],
        [place for place, _ in events],
        *columns_of([event for _, event in events], [ids.new() for _ in events]),
    ]
    return [array_literal(column) for column in columns]


def _refusal_of(error: psycopg.IntegrityError) -> Refusal | None:
    """The refusal that a fault of `wallet.post` means; its detail is "position|what"."""
    name, detail = error.diag.constraint_name or "", error.diag.message_detail or ""
    position, _, rest = detail.partition("|")
    if name == "uq_transfer_principal_key":
        return KeyReused()
    if name == "ck_transfer_declined":
        return _thawed(json.loads(rest))
    kind = of_constraint(name)
    if kind is None:
        return None
    refusal = kind()
    if isinstance(refusal, PostingRefused) and position.isdigit():
        refusal.position = int(position) - 1
        refusal.account_id = UUID(rest) if rest else None
    return refusal


def _thawed(kept: Mapping[str, Any]) -> Refusal:
    kind = next((kind for kind in every_refusal() if kind.code == kept["code"]), Refusal)
    refusal = kind(kept["detail"], **kept["facts"])
    refusal.is_replayed = True
    return refusal


_POST = """
    SELECT replay_position, replay_id, replay_effective_at, replay_details FROM wallet.post(
        %s::uuid[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::uuid[], %s::timestamptz[], %s::text[],
        %s::int[], %s::uuid[], %s::uuid[], %s::bigint[],
        %s::int[], %s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::uuid[],
        %s::smallint[], %s::text[], %s::text[])
"""

# In the order in which the posting takes keys.
_DECLINE = """
    INSERT INTO wallet.transfer (id, principal, key, fingerprint, kind, state, refusal, details, effective_at)
    SELECT id, principal, key, fingerprint, kind, 'declined', %s::jsonb, details::jsonb, effective_at
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::text[], %s::timestamptz[])
           AS t (id, principal, key, fingerprint, kind, details, effective_at)
     ORDER BY principal, key
    ON CONFLICT (principal, key) DO NOTHING
"""

_FIND = """
    SELECT id, effective_at, details, fingerprint, refusal FROM wallet.transfer WHERE principal = %s AND key = %s
"""
