"""Making the codes of a batch: a chunk in each transaction, so that a worker that dies leaves whole chunks only.

Nothing is announced for a code, since it is nobody's yet. A chunk stays short, since a transaction that writes holds
back every reader of the log.
"""

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from core import crypto, ids
from core.db import Connection, connection_of
from core.events import announce, log
from rewards import terms
from rewards.terms import Terms
from rewards.vouchers import codes, patterns
from rewards.vouchers.events import CodesMade
from rewards.vouchers.models import ENDED, TILL, CodeBatch
from rewards.vouchers.rows import CODE_PLACE

MOST_AT_ONCE = 5_000
_FEWEST_AT_ONCE = 100
#: A chunk is to take about this long; while events come in, somebody waits for what follows from them, and each chunk
#: holds back every reader of the log until it ends.
_LONG_SECONDS, _LONG_SECONDS_WHILE_OTHERS_WAIT = 0.18, 0.05

#: The log is busy when something was announced within this.
_LATELY = timedelta(seconds=2)

#: So many rows go on their way while the next ones are sealed: the server is at work, too.
_ROWS_SENT_TOGETHER = 250

#: How many codes this process makes at once just now.
_chunk = MOST_AT_ONCE


def make_some(session: Session, batch: CodeBatch, *, now: datetime) -> int:
    """Make the batch's next codes; says how many.

    effects  announces codes.made with the last one
    """
    global _chunk
    begun = monotonic()
    of = terms.load_one(session, batch.campaign_id)
    connection = connection_of(session)
    connection.execute(_HURRY)
    longest = _LONG_SECONDS_WHILE_OTHERS_WAIT if log.is_busy(connection, within=_LATELY) else _LONG_SECONDS
    made = len(write(session, batch, of, count=min(batch.asked - batch.made, _chunk), now=now))
    note(session, batch, made, now=now)
    _chunk = next_chunk(_chunk, seconds=monotonic() - begun, longest=longest)
    return made


def note(session: Session, batch: CodeBatch, made: int, *, now: datetime) -> None:
    """Count what was made; the batch ends with the last one.

    effects  announces codes.made then
    """
    batch.made, batch.due_at = batch.made + made, now
    if batch.made == batch.asked:
        batch.end(ENDED, now=now)
        told = CodesMade(occurred_at=now, batch_id=batch.id, campaign_id=batch.campaign_id, count=batch.made)
        announce(session, told)
    session.flush()


def next_chunk(chunk: int, *, seconds: float, longest: float) -> int:
    """Fewer at once after a long chunk, more after a short one."""
    if seconds > longest:
        return max(chunk * 2 // 3, _FEWEST_AT_ONCE)
    return min(chunk * 5 // 4, MOST_AT_ONCE) if seconds < longest / 2 else chunk


def write(session: Session, batch: CodeBatch, of: Terms, *, count: int, now: datetime) -> list[UUID]:
    """Draw and write so many codes, or fewer where some exist already: the next chunk makes up for them; their ids."""
    made: list[UUID] = []
    index = codes.indexer()
    drawn = {index(code): shown for code, shown in patterns.parse(batch.pattern).draw_all(count).items()}
    form = _Form(batch, of, crypto.sealer(session, owner_id=of.campaign_id, place=CODE_PLACE), now)
    connection = connection_of(session)
    try:
        with connection.transaction():
            _copy(connection, _sealed(form, drawn, made))
    except psycopg.errors.UniqueViolation:
        for (taken,) in connection.execute(_TAKEN, [list(drawn)]).fetchall():
            del drawn[taken]
        made.clear()
        _copy(connection, _sealed(form, drawn, made))
    return made


def _sealed(form: "_Form", drawn: dict[bytes, str], made: list[UUID]) -> Iterable[bytes]:
    """The rows in blocks, sealed as they are asked for; their ids are added to those that are made."""
    every = list(drawn.items())
    for start in range(0, len(every), _ROWS_SENT_TOGETHER):
        block = every[start : start + _ROWS_SENT_TOGETHER]
        fresh = ids.block(len(block))
        made += fresh
        yield b"".join([form.row(fresh[place], *each) for place, each in enumerate(block)])


def _copy(connection: Connection, blocks: Iterable[bytes]) -> None:
    with connection.cursor().copy(_COPY) as copy:
        copy.write(_SIGNATURE)
        for block in blocks:
            copy.write(block)
        copy.write(_TRAILER)


class _Form:
    """How a code of one batch is written: all but four of its fields are the same in each row.

    source  PostgreSQL's documentation of COPY, "Binary Format"
    """

    def __init__(self, batch: CodeBatch, of: Terms, seal: Callable[[UUID, str], bytes], now: datetime) -> None:
        self._seal = seal
        self._begin = struct.pack("!h", len(_COLUMNS)) + _LENGTH.pack(16)
        # What is sold at a till lasts from then on.
        expires_at = None if batch.funding == TILL else of.expiry(now) if of.is_gift_card else of.ends_at
        rest = (
            of.campaign_id.bytes,
            batch.id.bytes,
            b"inactive" if batch.funding == TILL else b"active",
            struct.pack("!i", 0),
            None if expires_at is None else _instant(expires_at),
            _instant(now),
            b"\0",
        )
        self._rest = b"".join([_field(value) for value in rest])

    def row(self, voucher_id: UUID, code_index: bytes, shown: str) -> bytes:
        sealed = self._seal(voucher_id, shown)
        last4 = shown.replace("-", "")[-4:].encode()
        return b"".join(
            (
                self._begin,
                voucher_id.bytes,
                _INDEX_LENGTH,
                code_index,
                _LENGTH.pack(len(sealed)),
                sealed,
                _LENGTH.pack(len(last4)),
                last4,
                self._rest,
            )
        )


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LENGTH = struct.Struct("!i")
_INDEX_LENGTH, _NULL = _LENGTH.pack(32), _LENGTH.pack(-1)


def _instant(at: datetime) -> bytes:
    """PostgreSQL's own: microseconds since the year 2000."""
    since: Any = at - _EPOCH
    return struct.pack("!q", (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _field(value: bytes | None) -> bytes:
    return _NULL if value is None else _LENGTH.pack(len(value)) + value


_COLUMNS = (
    *("id", "code_index", "code_ciphertext", "last4"),
    *("campaign_id", "batch_id", "state", "used", "expires_at", "issued_at", "is_generic"),
)
_COPY = f"COPY rewards.voucher ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_TRAILER = struct.pack("!h", -1)

# A chunk need not be on disk before the next one begins: a server that dies loses a chunk and its count together, so it
# is made again; and whoever commits anything after it, as an export does, has put it on disk, too.
_HURRY = "SET LOCAL synchronous_commit = off"

_TAKEN = "SELECT code_index FROM rewards.voucher WHERE code_index = ANY(%s)"
