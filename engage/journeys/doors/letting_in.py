"""Letting in: customers who send a door's word, and those who sign up after a partner has reported them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of, transaction
from core.events import LoggedEvent, announce_all
from engage.journeys.doors import requests
from engage.journeys.doors.events import EntriesLeft, EntryRequested
from engage.journeys.doors.models import EntryRequest
from engage.journeys.doors.requests import WAITED_FOR, deeper

#: Requests of one transaction.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """A door as those who come to it must know it. since: from when on a word counts"""

    id: UUID
    slug: str
    kind: str
    since: datetime


def by_words(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Customers who sent a door's word."""
    said = {(event.payload.get("word"), event.customer_id): event for event in events if event.customer_id}
    words = sorted({word for word, _ in said if isinstance(word, str)})
    if not words:
        return
    doors = doors_of(session, words, now)
    known = _known(session, doors.values(), [customer_id for _, customer_id in said if customer_id])
    found = [
        (doors[word], customer_id, event)
        for (word, customer_id), event in said.items()
        # What was sent before there was a door meant something else, whenever it is read.
        if word in doors
        and customer_id
        and (doors[word].id, customer_id) not in known
        and event.occurred_at >= doors[word].since
    ]
    new = [
        EntryRequest(
            id=ids.new(), door_id=door.id, customer_id=customer_id, by_number=False,
            reference=requests.reference_of(customer_id), requested_at=event.occurred_at,
            expires_at=event.occurred_at + WAITED_FOR, used_at=now,
        )
        for door, customer_id, event in found
    ]  # fmt: skip
    added = requests.add(connection_of(session), new)
    announce_all(
        session,
        [
            requests.fact(request, door.slug, door.kind, event)
            for request, (door, _, event) in zip(new, found, strict=True)
            if request.id in added
        ],
    )


def doors_of(session: Session, words: Sequence[str], now: datetime) -> dict[str, OpenDoor]:
    """The open doors of these words."""
    rows = connection_of(session).execute(_OF_WORDS, [list(words), now, now])
    return {row[0]: OpenDoor(*row[1:]) for row in rows}


def who_signed_up(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Those whom a partner reported before they signed up, so many at once.

    effects  announces entry.left for those for whom more waits; the reader comes back to them
    """
    of_customers = {event.customer_id: event for event in events if event.customer_id}
    if not of_customers:
        return
    connection = connection_of(session)
    rows = connection.execute(_SIGNED_UP, [now, list(of_customers), now, _BATCH]).fetchall()
    announce_all(session, [_matched(row, of_customers.get(row[4]), now) for row in rows])
    if len(rows) < _BATCH:
        return
    left = [of_customers[row[0]] for row in connection.execute(_LEFT, [list(of_customers), now])]
    announce_all(
        session,
        [
            EntriesLeft(customer_id=one.customer_id, occurred_at=one.occurred_at, caused_by=one.id, depth=one.depth)
            for one in left
        ],
    )


def match_waiting(now: datetime) -> int:
    """Look once more at each new request, whether its customer signed up at the very moment when it was made, too late
    for it to see and too early for the reader; forget those whose time is over. Says how many that were.
    """
    with transaction() as session:
        rows = connection_of(session).execute(_CHECK, [_BATCH, now, now]).fetchall()
        announce_all(session, [_matched(row, None, now) for row in rows if row[4] is not None])
    with transaction() as session:
        return len(rows) + connection_of(session).execute(_FORGET, [now, _BATCH]).rowcount


def _known(session: Session, doors: Iterable[OpenDoor], customer_ids: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """Which of these customers came by which of the doors before, be it as somebody who had not signed up yet."""
    rows = connection_of(session).execute(_KNOWN, [list(customer_ids), [door.id for door in doors]])
    return {(row[0], row[1]) for row in rows}


def _matched(row: tuple[UUID, str, str, str, UUID], cause: LoggedEvent | None, now: datetime) -> EntryRequested:
    door_id, slug, via, reference, customer_id = row
    return EntryRequested(
        customer_id=customer_id,
        occurred_at=cause.occurred_at if cause else now,
        caused_by=cause.id if cause else None,
        depth=deeper(cause),
        door_id=door_id,
        slug=slug,
        via=via,
        reference=reference,
    )


_OF_WORDS = """
    SELECT word, id, slug, kind, greatest(created_at, starts_at) FROM engage.entry_door
     WHERE word = ANY(%s) AND status = 'open' AND coalesce(starts_at <= %s, true) AND coalesce(ends_at > %s, true)
"""

_KNOWN = "SELECT door_id, customer_id FROM engage.entry_request WHERE customer_id = ANY(%s) AND door_id = ANY(%s)"

_SIGNED_UP = """
    WITH used AS (
        UPDATE engage.entry_request r SET customer_id = found.customer_id, phone_index = NULL, used_at = %s
          FROM (SELECT w.id, c.id AS customer_id
                  FROM auth.customer c JOIN engage.entry_request w ON w.phone_index = c.phone_index
                 WHERE c.id = ANY(%s) AND w.used_at IS NULL AND w.expires_at > %s
                 ORDER BY w.id LIMIT %s FOR UPDATE OF w) AS found
         WHERE r.id = found.id
        RETURNING r.door_id, r.reference, r.customer_id)
    SELECT d.id, d.slug, d.kind, u.reference, u.customer_id FROM used u JOIN engage.entry_door d ON d.id = u.door_id
"""

_LEFT = """
    SELECT c.id FROM auth.customer c
     WHERE c.id = ANY(%s) AND EXISTS (SELECT FROM engage.entry_request w
                                       WHERE w.phone_index = c.phone_index AND w.used_at IS NULL AND w.expires_at > %s)
"""

# Whoever signs up after this has looked is found by the reader, since the request stands there to be seen.
_CHECK = """
    WITH looked AS (
        SELECT id, phone_index, expires_at FROM engage.entry_request
         WHERE used_at IS NULL AND NOT is_checked ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED),
    checked AS (
        UPDATE engage.entry_request r
           SET is_checked = true, customer_id = c.id, used_at = CASE WHEN c.id IS NOT NULL THEN %s::timestamptz END,
               phone_index = CASE WHEN c.id IS NULL THEN r.phone_index END
          FROM looked l LEFT JOIN auth.customer c ON c.phone_index = l.phone_index AND l.expires_at > %s
         WHERE r.id = l.id
        RETURNING r.door_id, r.reference, r.customer_id)
    SELECT d.id, d.slug, d.kind, k.reference, k.customer_id FROM checked k JOIN engage.entry_door d ON d.id = k.door_id
"""

_FORGET = """
    DELETE FROM engage.entry_request WHERE id IN (
        SELECT id FROM engage.entry_request WHERE used_at IS NULL AND expires_at <= %s
         ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
