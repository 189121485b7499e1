"""Opt-outs: numbers that said STOP. They belong to the number, whoever has it or will have it, known or not."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.db import connection_of

#: Where a STOP can be said.
CHANNELS = ("sms", "whatsapp")


def of_many(session: Session, address_indexes: Iterable[bytes]) -> frozenset[tuple[bytes, str]]:
    """(address index, channel) of every opt-out of these numbers."""
    wanted = list(set(address_indexes))
    if not wanted:
        return frozenset()
    query = "SELECT address_index, channel FROM engage.opt_out WHERE address_index = ANY(%s)"
    return frozenset((row[0], row[1]) for row in connection_of(session).execute(query, [wanted]))


def lock(session: Session, address_index: bytes, channel: str) -> None:
    """Let one STOP or START of a number be heard after the other: a row that is not there yet cannot be locked."""
    connection_of(session).execute(_LOCK, [address_index, channel])


def add_all(session: Session, said: Sequence[tuple[bytes, str]], *, source: str, now: datetime) -> None:
    """Keep that these numbers said STOP over these channels; the first time counts."""
    wanted = sorted(set(said))
    columns = [[index for index, _ in wanted], [channel for _, channel in wanted]]
    if wanted:
        connection_of(session).execute(_ADD, [now, source, *columns])


def drop(session: Session, address_index: bytes, channel: str) -> bool:
    """The number said START; False where it had not said STOP."""
    query = "DELETE FROM engage.opt_out WHERE address_index = %s AND channel = %s"
    return connection_of(session).execute(query, [address_index, channel]).rowcount > 0


_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(encode(%s, 'hex') || %s, 5))"

_ADD = """
    INSERT INTO engage.opt_out (address_index, channel, at, source)
    SELECT address_index, channel, %s, %s FROM unnest(%s::bytea[], %s::text[]) AS said (address_index, channel)
     ORDER BY address_index, channel
        ON CONFLICT DO NOTHING
"""
