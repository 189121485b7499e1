"""The ledger: value moves by transfers that sum to zero, posted in one round trip, each once under its key."""

import json
from collections.abc import Sequence

from core.db import Connection
from core.errors import Refusal
from core.idempotency import KeyReused
from wallet import posting
from wallet.faults import refusals, thawed
from wallet.transfers import HoldMove, Leg, Limit, LotMove, Posted, Transfer

__all__ = [
    "HoldMove",
    "Leg",
    "Limit",
    "LotMove",
    "Posted",
    "Transfer",
    "decline",
    "decline_all",
    "find",
    "post",
    "post_all",
]


def post(connection: Connection, transfer: Transfer) -> Posted:
    """`post_all` of one; a plain one goes the shortest way."""
    if not posting.is_plain(transfer):
        return post_all(connection, [transfer])[0]
    call, parameters = posting.call_of_one(transfer)
    with refusals():
        is_posted = call.is_true(connection, parameters)
    if is_posted:
        return Posted(transfer.id, False, transfer.effective_at, transfer.details)
    return post_all(connection, [transfer])[0]


def post_all(connection: Connection, transfers: Sequence[Transfer]) -> list[Posted]:
    """Post all of them in one round trip, or none; in their order on each account. Once a transaction.

    raises  InsufficientFunds, AccountMissing, AccountClosed, AccountFrozen, RefundExceedsPayment, LimitExceeded, each
            with the `position` at fault; KeyReused; the frozen refusal of one that was declined under its key before
    effects announces the events of those that are fresh; locks usage, parts, holds, lots, balances (hot last, by id)
    """
    if not transfers:
        return []
    with refusals():
        replays = connection.execute(posting.POST, posting.call_of_all(transfers)).fetchall()
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
        raise thawed(row[4])
    return Posted(row[0], True, row[1], row[2])


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
