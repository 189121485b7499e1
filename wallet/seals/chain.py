"""The chain: blocks of committed transfers, each hashed together with the one before.

Each block hashes what was committed since the last one, together with that one's hash. Commits come in no order, so a
block ends at the horizon below which nothing can be committed any more. Whoever edits, removes or slips in a row that
is sealed changes the hash of its block and of all after; whoever makes the chain anew, or cuts its end off together
with the rows, ends at another head than the one that was kept outside.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from core.chain_heads import Head
from core.db import Connection, connection_of, transaction

#: So few that a block is hashed well within the 250 ms that a transaction that writes may live.
BLOCK = 1_000
#: Fewer wait for others, but not longer than this.
LONGEST_WAIT_SECONDS = 10

_LOCK = 7_046_016
_ORIGIN = bytes(32)
_LAST_XID = "18446744073709551615"


@dataclass(frozen=True, slots=True)
class _Span:
    """Which commits a block covers: those of one epoch from one transaction id up to another."""

    epoch: int
    from_xid: str
    to_xid: str


def seal_due(_: datetime | None = None) -> int:
    """Seal a block when enough transfers wait or one has waited long enough; how many blocks that were."""
    return _seal(all_now=False)


def seal_all() -> int:
    """Seal everything that is committed; how many blocks that took."""
    blocks = 0
    while _seal(all_now=True):
        blocks += 1
    return blocks


def head(connection: Connection) -> Head:
    """The last block; number 0 before the first."""
    row = connection.execute("SELECT number, hash FROM wallet.seal ORDER BY number DESC LIMIT 1").fetchone()
    return Head(row[0], row[1]) if row else Head(0, _ORIGIN)


def first_difference(connection: Connection, kept: Head | None = None) -> str | None:
    """The first block whose rows are not what was sealed, in one line; None when all are, and the kept head is among
    them. Run it in a REPEATABLE READ transaction where others may be sealing."""
    before, end = _ORIGIN, _Span(1, "0", "0")
    heads = {0: _ORIGIN}
    for number, span, transfers, entries, digest in _blocks(connection):
        if number != len(heads) or not _follows(end, span):
            return f"block {len(heads)} is missing: block {number} stands in its place"
        found = _digest(connection, span, before)
        if (found.transfers, found.entries) != (transfers, entries):
            return (
                f"block {number} sealed {transfers} transfers with {entries} entries, there are {found.transfers} with"
                f" {found.entries}"
            )
        if found.hash != digest:
            return f"block {number}: one of its {transfers} transfers is not what was sealed"
        before, end = digest, span
        heads[number] = digest
    if kept is not None and kept.number not in heads:
        return f"the chain ends at block {len(heads) - 1}: the head that was kept is block {kept.number}"
    if kept is not None and heads[kept.number] != kept.hash:
        return f"block {kept.number} has another hash than the head that was kept"
    return None


@dataclass(frozen=True, slots=True)
class _Digest:
    transfers: int
    entries: int
    hash: bytes


def _seal(*, all_now: bool) -> int:
    with transaction() as session:
        connection = connection_of(session)
        # One at a time: whoever comes second finds the first one's block, or leaves it to them.
        locked = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK]).fetchone()
        if not (locked and locked[0]):
            return 0
        last = connection.execute(_LAST).fetchone()
        number, before, end = (last[0], last[1], _Span(*last[2:])) if last else (0, _ORIGIN, _Span(1, "0", "0"))
        span = _next_span(connection, end, all_now=all_now)
        if span is None:
            return 0
        made = _digest(connection, span, before)
        values = [number + 1, span.epoch, span.from_xid, span.to_xid, made.transfers, made.entries, made.hash]
        connection.execute(_INSERT, values)
        return 1


def _next_span(connection: Connection, end: _Span, *, all_now: bool) -> _Span | None:
    """What is to be sealed next: of an epoch that is over all that is left, of this one up to the horizon at most."""
    horizon = connection.execute(
        "SELECT core.current_epoch(), pg_snapshot_xmin(pg_current_snapshot())::text"
    ).fetchone()
    assert horizon, "a query without a table always has a row"
    epoch, limit = int(horizon[0] or 1), horizon[1] if end.epoch == horizon[0] else _LAST_XID
    bounds = {"epoch": end.epoch, "begin": end.to_xid, "limit": limit, "block": BLOCK}
    waiting = connection.execute(_WAITING, bounds).fetchone()
    assert waiting, "an aggregate always has a row"
    count, beyond, waited = waiting
    if count and (all_now or count == BLOCK or waited >= LONGEST_WAIT_SECONDS or end.epoch != epoch):
        return _Span(end.epoch, end.to_xid, beyond or limit)
    if not count and end.epoch < epoch:
        if end.to_xid != _LAST_XID:  # the epoch's last block says that nothing else belongs to it
            return _Span(end.epoch, end.to_xid, _LAST_XID)
        return _next_span(connection, _Span(end.epoch + 1, "0", "0"), all_now=all_now)
    return None


def _follows(end: _Span, span: _Span) -> bool:
    if span.epoch == end.epoch:
        return span.from_xid == end.to_xid
    return span.epoch > end.epoch and end.to_xid == _LAST_XID and span.from_xid == "0"


def _digest(connection: Connection, span: _Span, before: bytes) -> _Digest:
    digest, transfers, entries = hashlib.sha256(before), 0, 0
    query = """
        SELECT entries, content FROM wallet.sealed_of(%s, %s::xid8, %s::xid8) ORDER BY transfer_id
    """
    for own_entries, content in connection.execute(query, [span.epoch, span.from_xid, span.to_xid]):
        digest.update(content.encode() + b"\n")
        transfers, entries = transfers + 1, entries + own_entries
    return _Digest(transfers, entries, digest.digest())


def _blocks(connection: Connection) -> Iterator[tuple[int, _Span, int, int, bytes]]:
    query = """
        SELECT number, epoch, from_xid::text, to_xid::text, transfers, entries, hash FROM wallet.seal ORDER BY number
    """
    for number, epoch, from_xid, to_xid, transfers, entries, digest in connection.execute(query).fetchall():
        yield number, _Span(epoch, from_xid, to_xid), transfers, entries, digest


_LAST = """
    SELECT number, hash, epoch, from_xid::text, to_xid::text FROM wallet.seal ORDER BY number DESC LIMIT 1
"""

# `beyond`: where the next block begins, when this one is full; a transaction is never split between two.
_WAITING = """
    WITH waiting AS (
        SELECT xid, recorded_at FROM wallet.transfer
         WHERE epoch = %(epoch)s AND xid >= %(begin)s::xid8 AND xid < %(limit)s::xid8
         ORDER BY xid LIMIT %(block)s)
    SELECT count(*),
           (SELECT min(t.xid)::text FROM wallet.transfer t
             WHERE t.epoch = %(epoch)s AND t.xid > (SELECT max(xid) FROM waiting) AND t.xid < %(limit)s::xid8),
           coalesce(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)
      FROM waiting
"""

_INSERT = """
    INSERT INTO wallet.seal (number, epoch, from_xid, to_xid, transfers, entries, hash)
    VALUES (%s, %s, %s::xid8, %s::xid8, %s, %s, %s)
"""
