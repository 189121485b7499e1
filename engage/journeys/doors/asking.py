"""Asking to come in: by a link or poster in the app, or by a partner for somebody it knows.

A request stands once for its reference, so whoever asks again is answered as before and lets nobody in again. Somebody
who has not signed up yet waits by the blind index of their number, and is let in when they do (`letting_in`). A partner
reports by doors of its own only, and one number so many times, whether it is a customer's or not: neither another's
reports nor who is a customer can be found out by trying.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers, phones
from core import ids, personal
from core.db import Connection, connection_of
from core.events import announce
from engage.journeys.doors import keeping, requests
from engage.journeys.doors.errors import DoorClosed, EntryInvalid, EntryReused, EntryTooOften
from engage.journeys.doors.models import EntryDoor, EntryRequest
from engage.journeys.doors.requests import WAITED_FOR

#: How often a door is told of one number in the time for which it is waited for.
MOST_OF_NUMBER = 20


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
    return _ask(
        session, door, reference=requests.reference_of(customer_id), customer_id=customer_id, phone_index=None, now=now
    )


def by_partner(
    session: Session,
    *,
    slug: str,
    source: str,
    reference: str,
    phone: str | None,
    customer_id: UUID | None,
    now: datetime,
) -> Entry:
    """A partner's server reports somebody: by the number that they will sign up with, or as a customer that it knows.

    source     of its write key
    reference  the partner's own, for ever: the same one again is the same request
    raises     NotFound, also for another partner's door and for a customer who is not ours; PhoneInvalid; EntryInvalid;
               DoorClosed; EntryReused; EntryTooOften
    effects    announces entry.requested, now or when they sign up
    """
    if personal.tells(reference) or not reference.isprintable():
        # It stands in the log, where nothing tells who somebody is.
        detail = "Must be a number or code of your own, and not tell who the person is."
        raise EntryInvalid(errors=[{"pointer": "/reference", "detail": detail}])
    door = keeping.of_partner(session, slug, source=source)
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
        by_number=phone_index is not None, is_checked=False, reference=reference, requested_at=now,
        expires_at=now + WAITED_FOR, used_at=now if customer_id else None,
    )  # fmt: skip
    standing = connection.execute(_STANDING, [door.id, reference]).fetchone()
    if standing is None:
        if not keeping.is_open(door, now):
            raise DoorClosed
        if phone_index is not None:
            _check_number(connection, door, phone_index, customer_id, now=now)
        if requests.add(connection, [request]):
            if customer_id is not None:
                announce(session, requests.fact(request, door.slug, door.kind, None))
            return Entry(request.id, door.slug, now, is_waiting=customer_id is None, is_repeated=False)
        standing = connection.execute(_STANDING, [door.id, reference]).fetchone()
    assert standing is not None, "a request is never taken away while its door's row is asked for"
    return _repeated(door, standing, customer_id, phone_index)


def _check_number(
    connection: Connection, door: EntryDoor, phone_index: bytes, customer_id: UUID | None, *, now: datetime
) -> None:
    """raises   EntryTooOften
    effects  until the transaction ends, this number waits its turn at this door
    """
    connection.execute(_LOCK_NUMBER, [str(door.id), phone_index.hex()])
    values = [door.id, now - WAITED_FOR, customer_id, phone_index, MOST_OF_NUMBER]
    [[reported]] = connection.execute(_OF_NUMBER, values).fetchall()
    if reported >= MOST_OF_NUMBER:
        raise EntryTooOften


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


_LOCK_NUMBER = "SELECT pg_advisory_xact_lock(hashtextextended('door:' || %s || '/' || %s, 4))"

_OF_NUMBER = """
    SELECT count(*) FROM (
        SELECT FROM engage.entry_request
         WHERE door_id = %s AND by_number AND requested_at > %s
           AND (customer_id = %s OR (phone_index = %s AND used_at IS NULL)) LIMIT %s) AS reported
"""

_STANDING = """
    SELECT id, customer_id, phone_index, requested_at FROM engage.entry_request WHERE door_id = %s AND reference = %s
"""
