"""Asking to come in: by a link or poster in the app, by a word, or by a partner for somebody it knows.

A request stands once for its reference, so whoever asks again is answered as before and lets nobody in again. Somebody
who has not signed up yet waits by the blind index of their number, and is let in when they do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers, phones
from core import ids, personal
from core.db import Connection, connection_of, transaction
from core.events import LoggedEvent, announce_all
from core.events.announce import MAX_DEPTH
from engage.journeys.doors import keeping
from engage.journeys.doors.errors import DoorClosed, EntryInvalid, EntryReused
from engage.journeys.doors.events import EntryRequested
from engage.journeys.doors.models import EntryDoor, EntryRequest

#: How long somebody who has not signed up yet is waited for.
WAITED_FOR = timedelta(days=30)

#: Requests of one transaction of a sweep.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """What came of a request. is_waiting: for the person to sign up; is_repeated: it stood before"""

    id: UUID
    door: str
    requested_at: datetime
    is_waiting: bool
    is_repeated: bool


def by_customer(session: Session, *, slug: str, customer_id: UUID, now: datetime) -> Entry:
    """A customer opens a link or scans a poster; however often they do, they come in once.

    raises   NotFound; DoorClosed
    effects  announces entry.requested the first time
    """
    door = keeping.by_slug(session, slug, kinds=keeping.OPENED)
    return _ask(session, door, reference=_of_customer(customer_id), customer_id=customer_id, phone_index=None, now=now)


def by_partner(
    session: Session, *, slug: str, reference: str, phone: str | None, customer_id: UUID | None, now: datetime
) -> Entry:
    """A partner's server reports somebody: by the number that they will sign up with, or as a customer that it knows.

    reference  the partner's own, for ever: the same one again is the same request
    raises     NotFound, also for a customer who is not ours; PhoneInvalid; EntryInvalid; DoorClosed; EntryReused
    effects    announces entry.requested, now or when they sign up
    """
    if personal.tells(reference) or not reference.isprintable():
        # It stands in the log, where nothing tells who somebody is.
        detail = "Must be a number or code of your own, and not tell who the person is."
        raise EntryInvalid(errors=[{"pointer": "/reference", "detail": detail}])
    door = keeping.by_slug(session, slug, kinds=("partner",))
    if customer_id is not None:
        customers.find(session, customer_id)
        return _ask(session, door, reference=reference, customer_id=customer_id, phone_index=None, now=now)
    number = phones.normalised(phone or "")
    return _ask(
        session,
        door,
        reference=reference,
        customer_id=customers.by_phone(session, number),
        phone_index=phones.index_of(number),
        now=now,
    )


def let_in_by_words(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Customers who sent a door's word."""
    said = {(event.payload.get("word"), event.customer_id): event for event in events if event.customer_id}
    words = sorted({word for word, _ in said if isinstance(word, str)})
    if not words:
        return
    doors = {row[0]: row[1:] for row in connection_of(session).execute(_OF_WORDS, [words, now, now])}
    found = [
        (doors[word], customer_id, event)
        for (word, customer_id), event in said.items()
        if word in doors and customer_id is not None
    ]
    new = [
        EntryRequest(
            id=ids.new(), door_id=door_id, customer_id=customer_id, reference=_of_customer(customer_id),
            requested_at=event.occurred_at, expires_at=event.occurred_at + WAITED_FOR, used_at=now,
        )
        for (door_id, _, _), customer_id, event in found
    ]  # fmt: skip
    added = _add(connection_of(session), new)
    announce_all(
        session,
        [
            _fact(request, slug, via, event)
            for request, ((_, slug, via), _, event) in zip(new, found, strict=True)
            if request.id in added
        ],
    )


def let_in_who_signed_up(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Those whom a partner reported before they signed up."""
    of_customers = {event.customer_id: event for event in events if event.customer_id}
    if of_customers:
        rows = connection_of(session).execute(_SIGNED_UP, [now, list(of_customers), now]).fetchall()
        announce_all(session, [_matched(row, of_customers.get(row[4]), now) for row in rows])


def match_waiting(now: datetime) -> None:
    """Let in whom the reader has missed, because they signed up at the very moment of the request; forget the others
    whose time is over.
    """
    with transaction() as session:
        rows = connection_of(session).execute(_MISSED, [now, now, _BATCH]).fetchall()
        announce_all(session, [_matched(row, None, now) for row in rows])
    with transaction() as session:
        connection_of(session).execute(_FORGET, [now, _BATCH])


def _ask(
    session: Session,
    door: EntryDoor,
    *,
    reference: str,
    customer_id: UUID | None,
    phone_index: bytes | None,
    now: datetime,
) -> Entry:
    connection = connection_of(session)
    request = EntryRequest(
        id=ids.new(), door_id=door.id, customer_id=customer_id, phone_index=None if customer_id else phone_index,
        reference=reference, requested_at=now, expires_at=now + WAITED_FOR, used_at=now if customer_id else None,
    )  # fmt: skip
    standing = connection.execute(_STANDING, [door.id, reference]).fetchone()
    if standing is None:
        if not keeping.is_open(door, now):
            raise DoorClosed
        if _add(connection, [request]):
            if customer_id is not None:
                announce_all(session, [_fact(request, door.slug, door.kind, None)])
            return Entry(request.id, door.slug, now, is_waiting=customer_id is None, is_repeated=False)
        standing = connection.execute(_STANDING, [door.id, reference]).fetchone()
    assert standing is not None, "a request is never taken away while its door's row is asked for"
    return _repeated(door, standing, customer_id, phone_index)


def _repeated(
    door: EntryDoor,
    standing: tuple[UUID, UUID | None, bytes | None, datetime],
    customer_id: UUID | None,
    phone_index: bytes | None,
) -> Entry:
    """What stood already, unless the reference means somebody else now."""
    request_id, was_customer, was_index, requested_at = standing
    is_same = was_customer == customer_id if was_customer else was_index == phone_index
    if not is_same:
        raise EntryReused
    return Entry(request_id, door.slug, requested_at, is_waiting=was_customer is None, is_repeated=True)


def _of_customer(customer_id: UUID) -> str:
    return f"customer:{customer_id}"


def _add(connection: Connection, requests: Sequence[EntryRequest]) -> set[UUID]:
    """The ids of those that did not stand already."""
    if not requests:
        return set()
    rows = connection.execute(
        _ADD,
        [
            [one.id for one in requests],
            [one.door_id for one in requests],
            [one.customer_id for one in requests],
            [one.phone_index for one in requests],
            [one.reference for one in requests],
            [one.requested_at for one in requests],
            [one.expires_at for one in requests],
            [one.used_at for one in requests],
        ],
    )
    return {row[0] for row in rows}


def _fact(request: EntryRequest, slug: str, via: str, cause: LoggedEvent | None) -> EntryRequested:
    return EntryRequested(
        customer_id=request.customer_id,
        occurred_at=request.requested_at,
        caused_by=cause.id if cause else None,
        depth=_deeper(cause),
        door_id=request.door_id,
        slug=slug,
        via=via,
        reference=request.reference,
    )


def _matched(row: tuple[UUID, str, str, str, UUID], cause: LoggedEvent | None, now: datetime) -> EntryRequested:
    door_id, slug, via, reference, customer_id = row
    return EntryRequested(
        customer_id=customer_id,
        occurred_at=cause.occurred_at if cause else now,
        caused_by=cause.id if cause else None,
        depth=_deeper(cause),
        door_id=door_id,
        slug=slug,
        via=via,
        reference=reference,
    )


def _deeper(cause: LoggedEvent | None) -> int:
    return min(cause.depth + 1, MAX_DEPTH) if cause else 0


_STANDING = """
    SELECT id, customer_id, phone_index, requested_at FROM engage.entry_request WHERE door_id = %s AND reference = %s
"""

_OF_WORDS = """
    SELECT word, id, slug, kind FROM engage.entry_door
     WHERE word = ANY(%s) AND status = 'open' AND coalesce(starts_at <= %s, true) AND coalesce(ends_at > %s, true)
"""

# In one order, so that two of these cannot wait for each other.
_ADD = """
    INSERT INTO engage.entry_request
           (id, door_id, customer_id, phone_index, reference, requested_at, expires_at, used_at)
    SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bytea[], %s::text[], %s::timestamptz[],
                         %s::timestamptz[], %s::timestamptz[])
               AS r (id, door_id, customer_id, phone_index, reference, requested_at, expires_at, used_at)
     ORDER BY door_id, reference
        ON CONFLICT (door_id, reference) DO NOTHING
    RETURNING id
"""

_SIGNED_UP = """
    WITH used AS (
        UPDATE engage.entry_request r SET customer_id = c.id, phone_index = NULL, used_at = %s
          FROM auth.customer c
         WHERE c.id = ANY(%s) AND r.phone_index = c.phone_index AND r.used_at IS NULL AND r.expires_at > %s
        RETURNING r.door_id, r.reference, r.customer_id)
    SELECT d.id, d.slug, d.kind, u.reference, u.customer_id FROM used u JOIN engage.entry_door d ON d.id = u.door_id
"""

_MISSED = """
    WITH used AS (
        UPDATE engage.entry_request r SET customer_id = found.customer_id, phone_index = NULL, used_at = %s
          FROM (SELECT w.id, c.id AS customer_id
                  FROM engage.entry_request w JOIN auth.customer c ON c.phone_index = w.phone_index
                 WHERE w.used_at IS NULL AND w.expires_at > %s
                 ORDER BY w.id LIMIT %s FOR UPDATE OF w SKIP LOCKED) AS found
         WHERE r.id = found.id
        RETURNING r.door_id, r.reference, r.customer_id)
    SELECT d.id, d.slug, d.kind, u.reference, u.customer_id FROM used u JOIN engage.entry_door d ON d.id = u.door_id
"""

_FORGET = """
    DELETE FROM engage.entry_request WHERE id IN (
        SELECT id FROM engage.entry_request WHERE used_at IS NULL AND expires_at <= %s
         ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
