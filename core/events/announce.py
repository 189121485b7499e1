"""Announcing: a fact is appended to the log in the transaction of the deed that made it true."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of

#: An event that caused an event that caused an event ... stops here: a chain this long is a loop.
MAX_DEPTH = 12

OUR_SOURCE = "pocketful"


class ChainTooLong(Exception):
    """An event would be the thirteenth in a chain of causes."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A past fact. A subclass sets `name` ("payment.completed") and adds payload fields, which only ever grow.

    Payload fields hold pseudonymous ids, amounts and times, never personal data, codes or tokens.
    log_only   True where nobody reacts to it yet: a house test holds every other event to have a reader
    """

    name: ClassVar[str]
    log_only: ClassVar[bool] = False

    customer_id: UUID | None = None
    subject_id: str | None = None
    occurred_at: datetime
    caused_by: UUID | None = None
    depth: int = 0
    trace: str | None = None

    def payload(self) -> dict[str, Any]:
        """What the subclass declares, JSON-ready."""
        return {spec.name: jsonable(getattr(self, spec.name)) for spec in fields(self) if spec.name not in _ENVELOPE}

    @classmethod
    def payload_fields(cls) -> frozenset[str] | None:
        """The names that its payload has; None where it may have any."""
        return frozenset(spec.name for spec in fields(cls)) - _ENVELOPE


_ENVELOPE = {spec.name for spec in fields(Event)}


def jsonable(value: Any) -> Any:
    """Ids as text, instants as RFC 3339 UTC, containers of such; anything JSON already knows as it is."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return value


def every_event() -> Iterator[type[Event]]:
    """Every declared event, for the house tests and the docs."""
    pending: list[type[Event]] = list(Event.__subclasses__())
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if "name" in kind.__dict__:
            yield kind


def announce(session: Session, event: Event) -> UUID:
    """Append one fact to the log in the caller's transaction; returns its id."""
    return announce_all(session, [event])[0]


def announce_all(session: Session, events: Sequence[Event], *, source: str = OUR_SOURCE) -> list[UUID]:
    """Append many facts with one statement, in the order given; returns their ids."""
    return append(connection_of(session), events, source=source) if events else []


def append(connection: Connection, events: Sequence[Event], *, source: str = OUR_SOURCE) -> list[UUID]:
    """`announce_all` for a hot path that holds the connection.

    raises  ChainTooLong past MAX_DEPTH
    """
    if any(event.depth > MAX_DEPTH for event in events):
        raise ChainTooLong([event.name for event in events if event.depth > MAX_DEPTH])
    made = [ids.new() for _ in events]
    connection.execute(_APPEND, columns_of(events, made, source=source))
    return made


def columns_of(events: Sequence[Event], made: Sequence[UUID], *, source: str = OUR_SOURCE) -> list[list[Any]]:
    """The ten arrays that `_APPEND` unnests, so that a hot path can hand its events to its own SQL."""
    column: Callable[[str], list[Any]] = lambda name: [getattr(event, name) for event in events]  # noqa: E731
    return [
        list(made),
        column("name"),
        column("customer_id"),
        column("subject_id"),
        column("occurred_at"),
        [source] * len(events),
        column("caused_by"),
        column("depth"),
        column("trace"),
        [json.dumps(event.payload(), separators=(",", ":")) for event in events],
    ]


# The payloads travel in binary (%b): as text, psycopg escapes each of their quotes by a regular expression, which took
# 140 µs of CPU for an order of ten lines, where this takes 2.
_APPEND = """
    INSERT INTO core.event
           (id, name, customer_id, subject_id, occurred_at, source, caused_by, depth, trace, payload)
    SELECT id, name, customer_id, subject_id, occurred_at, source, caused_by, depth, trace, payload::jsonb
      FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::uuid[],
                  %s::smallint[], %s::text[], %b::text[])
           WITH ORDINALITY AS e (id, name, customer_id, subject_id, occurred_at, source, caused_by, depth, trace,
                                 payload, position)
     ORDER BY position
"""
