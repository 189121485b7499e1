"""The calls of the posting functions (migration 0009): transfers as the parameters that they take."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core import ids
from core.events.announce import OUR_SOURCE, columns_of
from core.prepared import PreparedCall
from wallet.arrays import array_literal
from wallet.assets import brand_time_zone
from wallet.transfers import Leg, Transfer


def is_plain(transfer: Transfer) -> bool:
    """Whether `wallet.post_one` can take it: value that moves from one known account to another, with one event and one
    limit at most."""
    if len(transfer.legs) != 2:
        return False
    one, other = transfer.legs
    return (
        one.amount == -other.amount != 0
        and one.asset is not None
        and one.asset == other.asset
        and one.account_id != other.account_id
        and len(transfer.events) < 2
        and not transfer.lots
        and not transfer.holds
        and transfer.parent_id is None
        and transfer.hold_id is None
        and (not transfer.limits or (len(transfer.limits) == 1 and transfer.limits[0].account_id is None))
    )


def call_of_one(transfer: Transfer) -> tuple[PreparedCall, list[Any]]:
    """The call that posts a plain transfer, and what it is called with."""
    first, second = transfer.legs
    if _locked(second) < _locked(first):
        first, second = second, first
    limit = transfer.limits[0] if transfer.limits else None
    event = transfer.events[0] if transfer.events else None
    call = [
        transfer.id,
        transfer.principal,
        transfer.key,
        transfer.fingerprint,
        transfer.kind,
        transfer.effective_at,
        _json(transfer.details),
        first.asset,
        first.account_id,
        _shard_of(transfer, first),
        first.amount,
        second.account_id,
        _shard_of(transfer, second),
    ]
    if limit is None and event is None:
        return POST_ALONE, call
    return POST_ONE, [
        *call,
        *((limit.customer_id, limit.scope, limit.asset, limit.amount) if limit else (None, None, None, None)),
        brand_time_zone(),
        *([column[0] for column in columns_of([event], [ids.new()])] if event else _NO_EVENT),
    ]


def call_of_all(transfers: Sequence[Transfer]) -> list[Any]:
    """What `POST` is called with: arrays as literals, since psycopg's own dumping of so many took half of the time."""
    legs = [(place, leg) for place, transfer in enumerate(transfers, 1) for leg in transfer.legs]
    events = [(place, event) for place, transfer in enumerate(transfers, 1) for event in transfer.events]
    columns: list[list[Any]] = [
        [transfer.id for transfer in transfers],
        [transfer.principal for transfer in transfers],
        [transfer.key for transfer in transfers],
        [transfer.fingerprint for transfer in transfers],
        [transfer.kind for transfer in transfers],
        [transfer.parent_id for transfer in transfers],
        [transfer.hold_id for transfer in transfers],
        [transfer.effective_at for transfer in transfers],
        [_json(transfer.details) for transfer in transfers],
        [place for place, _ in legs],
        [leg.account_id for _, leg in legs],
        [_shard_of(transfer, leg) for transfer in transfers for leg in transfer.legs],
        [leg.amount for _, leg in legs],
    ]
    event_columns = [[place for place, _ in events], *columns_of([e for _, e in events], [ids.new() for _ in events])]
    return [
        *[array_literal(column) for column in columns],
        *(_lots(transfers), _holds(transfers), _limits(transfers), brand_time_zone()),
        *[array_literal(column) for column in event_columns],
    ]


def _lots(transfers: Sequence[Transfer]) -> str | None:
    return _rows(
        {
            "position": place,
            "lot": move.lot_id,
            "account": move.account_id,
            "amount": move.amount,
            "source": move.source,
            "expires_at": move.expires_at,
            "origin": move.origin,
        }
        for place, transfer in enumerate(transfers, 1)
        for move in transfer.lots
    )


def _holds(transfers: Sequence[Transfer]) -> str | None:
    return _rows(
        {
            "position": place,
            "hold": move.hold_id,
            "place": move.place,
            "account": move.account_id,
            "lot": move.lot_id,
            "held": move.held,
            "captured": move.captured,
        }
        for place, transfer in enumerate(transfers, 1)
        for move in transfer.holds
    )


def _limits(transfers: Sequence[Transfer]) -> str | None:
    return _rows(
        {
            "position": place,
            "customer": limit.customer_id,
            "scope": limit.scope,
            "asset": limit.asset,
            "amount": limit.amount,
            "account": limit.account_id,
        }
        for place, transfer in enumerate(transfers, 1)
        for limit in transfer.limits
    )


def _rows(rows: Any) -> str | None:
    found = list(rows)
    return json.dumps(found, default=_plain) if found else None


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{value!r} is neither an id nor an instant")


#: Made once: `json.dumps` makes one for each call that gives separators.
_encode = json.JSONEncoder(separators=(",", ":")).encode


def _json(details: Mapping[str, Any]) -> str:
    return _encode(details if type(details) is dict else dict(details))


def _shard_of(transfer: Transfer, leg: Leg) -> int | None:
    """On which of its account's balances a leg stands; None where only the database knows how many there are."""
    return None if leg.asset is None else (transfer.id.int & 0xFF) % leg.shards


def _locked(leg: Leg) -> tuple[bool, UUID]:
    """The order in which every transaction locks balances."""
    return (leg.is_hot, leg.account_id)


_NO_EVENT = [None, None, None, None, None, OUR_SOURCE, None, 0, None, None]

# Each parameter that is left out is one less to send, to bind and to read.
POST_ALONE = PreparedCall(
    "wallet_post_alone",
    "SELECT wallet.post_one(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s::smallint, %s::bigint, %s, %s::smallint)",
)

POST_ONE = PreparedCall(
    "wallet_post_one",
    """
    SELECT wallet.post_one(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s::smallint, %s::bigint, %s, %s::smallint,
        %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::smallint, %s, %s::jsonb)
    """,
)

POST = """
    SELECT replay_position, replay_id, replay_effective_at, replay_details FROM wallet.post(
        %s::uuid[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::uuid[], %s::uuid[], %s::timestamptz[],
        %s::text[], %s::int[], %s::uuid[], %s::smallint[], %s::bigint[], %s::jsonb, %s::jsonb, %s::jsonb, %s,
        %s::int[], %s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::uuid[],
        %s::smallint[], %s::text[], %s::text[])
"""
