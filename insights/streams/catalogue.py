"""The streams that there are, as a process remembers them, and making new ones."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import Connection
from core.events import LoggedEvent
from core.events.offsets import Position
from insights.streams import asking
from insights.streams.stream import TRACKED, Matches, Stream, plain_of

#: So many names are counted by themselves: somebody who tracks an id as a name must not make a stream of each.
MOST_NAMES = 1_000

log = logging.getLogger("pocketful.segments")


@dataclass(frozen=True, slots=True)
class Known:
    """A stream that is kept. filled_slots: of which slots the events are counted as they are read; filled_to: how far
    the next one is filled."""

    id: int
    stream: Stream
    filled_slots: int
    matches: Matches | None
    filled_to: Position | None = None

    def counts(self, event: LoggedEvent) -> bool:
        if event.slot != self.filled_slots or self.filled_to is None:
            return event.slot < self.filled_slots
        # It was parked as the filling came by, and is taken up again only now.
        return (event.epoch, event.xid, event.seq) <= self.filled_to


@dataclass(frozen=True, slots=True)
class Catalogue:
    """shape  plain: by the stream; asked: those with a condition or a field, by event name"""

    version: UUID | None
    plain: dict[Stream, Known] = field(default_factory=dict)
    asked: dict[str, list[Known]] = field(default_factory=dict)

    def of_event(self, event: LoggedEvent) -> list[Known]:
        """The streams that an event is counted in."""
        plain = plain_of(event)
        if plain is None and event.name not in self.asked:
            return []
        found = [self.plain[plain]] if plain in self.plain else []
        for known in self.asked.get(event.name, ()):
            if known.stream.named and (plain is None or known.stream.named != plain.named):
                continue
            if known.matches is None or known.matches(event.payload):
                found.append(known)
        return [known for known in found if known.counts(event)]


_kept = Catalogue(None)
_is_full_told = False


def read(connection: Connection) -> Catalogue:
    """The streams as of this statement, remembered for as long as no definition changes."""
    global _kept
    version = version_of(connection)
    if version is None or version != _kept.version:
        _kept = _load(connection, version)
    return _kept


def version_of(connection: Connection) -> UUID | None:
    """Another one after each change of a stream or a segment."""
    row = connection.execute("SELECT version FROM insights.definitions").fetchone()
    return row[0] if row else None


def renew(connection: Connection) -> None:
    """Let everybody read the definitions anew; the last that a transaction does, since others wait for it."""
    connection.execute(_RENEW)


def with_names_of(connection: Connection, events: Collection[LoggedEvent], now: datetime) -> Catalogue:
    """The catalogue, once it holds a plain stream for each name of these events."""
    global _is_full_told
    catalogue = read(connection)
    missing = {stream for event in events if (stream := plain_of(event)) and stream not in catalogue.plain}
    if not missing:
        return catalogue
    room = MOST_NAMES - len(catalogue.plain)
    if room < len(missing) and not _is_full_told:
        log.warning("More than %s names of events: the others are in no segment's reach", MOST_NAMES)
        _is_full_told = True
    # House events first: their names are few, and an app that sends nonsense must not crowd them out.
    wanted = sorted(missing, key=lambda stream: (stream.event == TRACKED, stream.event, stream.named))[: max(room, 0)]
    if not wanted:
        return catalogue
    # The reader has come to no event of that name before, in whatever slot: nothing of it is to be filled.
    if _add(connection, wanted, now=now, is_filled=True):
        renew(connection)
    return _load(connection, None)


def ensure(connection: Connection, streams: Collection[Stream], now: datetime) -> bool:
    """See that these streams are kept; whether all are filled, so that what they count is whole.

    raises   TooMuchCounted
    effects  new ones are filled by the worker; holds those that there are, so that none is dropped before it is asked
             for
    """
    known = ids_of(connection, streams, are_held=True)
    missing = sorted((stream for stream in streams if stream not in known), key=lambda stream: stream.fingerprint)
    asking.make_room(connection, missing, wanted=streams, now=now)
    if missing and _add(connection, missing, now=now, is_filled=False):
        renew(connection)
    return not missing and all(is_live for _, is_live in known.values())


def ids_of(
    connection: Connection, streams: Collection[Stream], *, are_held: bool = False
) -> dict[Stream, tuple[int, bool]]:
    """The ids of those that are kept, and whether they are filled; are_held: they stay so till the transaction ends."""
    by_print = {stream.fingerprint: stream for stream in streams}
    if not by_print:
        return {}
    rows = connection.execute(_HOLD if are_held else _FIND, [list(by_print)])
    return {by_print[bytes(row[0])]: (row[1], row[2]) for row in rows}


def _add(connection: Connection, streams: Collection[Stream], *, now: datetime, is_filled: bool) -> bool:
    ordered = sorted(streams, key=lambda stream: stream.fingerprint)
    columns: list[Any] = [
        [stream.event for stream in ordered],
        [stream.named for stream in ordered],
        [stream.condition for stream in ordered],
        [stream.field for stream in ordered],
        [stream.fingerprint for stream in ordered],
    ]
    state, slots = ("live", 64) if is_filled else ("filling", 0)
    return connection.execute(_ADD, [state, slots, now, *columns]).rowcount > 0


def _load(connection: Connection, version: UUID | None) -> Catalogue:
    catalogue = Catalogue(version)
    for id_, event, named, condition, summed, filled_slots, epoch, xid, seq in connection.execute(_READ):
        stream = Stream(event, named, condition, summed)
        filled_to = (epoch, int(xid), seq) if epoch is not None else None
        known = Known(id_, stream, filled_slots, stream.matcher(), filled_to)
        if stream.is_plain:
            catalogue.plain[stream] = known
        else:
            catalogue.asked.setdefault(event, []).append(known)
    return catalogue


_RENEW = """
    INSERT INTO insights.definitions (version) VALUES (gen_random_uuid())
        ON CONFLICT (is_only) DO UPDATE SET version = excluded.version
"""

_ADD = """
    INSERT INTO insights.stream (event, named, condition, field, fingerprint, state, filled_slots, created_at)
    SELECT event, named, condition, field, fingerprint, %s, %s, %s
      FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[])
           WITH ORDINALITY AS s (event, named, condition, field, fingerprint, place)
     ORDER BY place
        ON CONFLICT (fingerprint) DO NOTHING
"""

_FIND = "SELECT fingerprint, id, state = 'live' FROM insights.stream WHERE fingerprint = ANY(%s)"

_HOLD = _FIND + " ORDER BY id FOR KEY SHARE"

_READ = """
    SELECT id, event, named, condition, field, filled_slots, filled_epoch, filled_xid::text, filled_seq
      FROM insights.stream WHERE state <> 'dropped' ORDER BY id
"""
