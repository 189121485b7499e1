"""Rebuilding a profile from the log, when what counted as a customer's is not theirs any more.

The past is folded page by page with nothing locked; then, under the lock of the customer's slot, what the reader has
taken since, and the result takes the old one's place. So it tells exactly what the reader would have told. Traits stay:
they come from events that name the customer, whoever's the subjects are.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import work
from core.db import Connection, connection_of, transaction
from core.errors import Busy, DatabaseUnavailable
from core.events import LoggedEvent, offsets
from core.events.log import slot_of
from core.events.offsets import Position
from core.work import Work
from insights.profiles import keeping, sightings
from insights.profiles.models import Rebuild
from insights.profiles.sightings import Sightings
from insights.segments import following

READER = "insights.profiles"

_PAGE = 2_000
_LEASE = timedelta(minutes=5)
_AGAIN_AFTER = timedelta(minutes=1)
_MOST_ATTEMPTS = 20

log = logging.getLogger("pocketful.profiles")


@dataclass(frozen=True, slots=True)
class _Claimed:
    customer_id: UUID
    token: UUID
    attempts: int


def rebuild_due(now: datetime) -> int:
    """Tell the next profile again that is to be; says how many there were."""
    with transaction() as session:
        for lost in work.lost_leases(session, Rebuild, leased="running", limit=10, now=now):
            lost.state, lost.due_at, lost.lease_token, lost.lease_until = "waiting", now, None, None
    with transaction() as session:
        token, rows = work.claim(session, Rebuild, waiting="waiting", leased="running", limit=1, lease=_LEASE, now=now)
        claimed = [_Claimed(row.id, token, row.attempts) for row in rows]
    for each in claimed:
        is_hopeless = False
        try:
            is_done = _rebuild(each, now)
        except (Busy, DatabaseUnavailable):
            is_done = False
        except Exception as error:
            # The error's own words may hold data, so only its kind is told.
            log.error("profile %s cannot be rebuilt: %s", each.customer_id, type(error).__name__)
            is_done, is_hopeless = False, each.attempts >= _MOST_ATTEMPTS
        if not is_done:
            _put_off(each, is_hopeless=is_hopeless, now=now)
    return len(claimed)


WORK = [Work("insights.rebuilds", rebuild_due, after_lost_lease="again")]


def _rebuild(claimed: _Claimed, now: datetime) -> bool:
    """Whether it is done, or was asked for anew meanwhile; not while the customer's events are parked, since those
    have been passed but not counted."""
    customer_id, slot = claimed.customer_id, slot_of(claimed.customer_id)
    with transaction() as session:
        begun = _position(connection_of(session), slot)
    found = Sightings()
    for page in _past(customer_id, until=begun):
        sightings.fold(page, into=found)
    with transaction() as session:
        connection = connection_of(session)
        offsets.lock_slot(connection, READER, slot)
        if _is_parked(connection, customer_id):
            return False
        since = _between(connection, customer_id, slot, begun, _position(connection, slot))
        if _replace(session, claimed, sightings.fold(since, into=found)):
            following.rejudge(session, customer_id, now)
    return True


def _replace(session: Session, claimed: _Claimed, found: Sightings) -> bool:
    """False where it was asked for anew: what is told then is newer. Locks in the reader's order: slot, subjects, what
    is to be rebuilt, profiles."""
    connection, customer_id = connection_of(session), claimed.customer_id
    for row in connection.execute(_SUBJECTS, [customer_id]).fetchall():
        if row[0] is not None:
            sightings.merge(found.customers, customer_id, keeping.sighting_of(*row))
    ended = connection.execute(
        "DELETE FROM insights.rebuild WHERE id = %s AND lease_token = %s RETURNING id", [customer_id, claimed.token]
    ).fetchone()
    if ended is None:
        return False
    connection.execute("DELETE FROM insights.revenue WHERE customer_id = %s", [customer_id])
    connection.execute("DELETE FROM insights.profile WHERE customer_id = %s", [customer_id])
    keeping.keep_customers(connection, found.customers)
    keeping.keep_money(connection, found.money)
    return True


def _put_off(claimed: _Claimed, *, is_hopeless: bool, now: datetime) -> None:
    """However often it had to wait: parked events stay so until an operator comes."""
    columns: dict[str, Any] = {"state": "waiting", "due_at": now + _AGAIN_AFTER}
    if is_hopeless:
        columns = {"state": "failed", "due_at": None}
    with transaction() as session:
        work.settle(session, Rebuild, claimed.customer_id, claimed.token, **columns)


def _past(customer_id: UUID, *, until: Position) -> Iterator[list[LoggedEvent]]:
    """Pages of what the reader had taken of a customer at a position: what is below it stands still for ever."""
    asked = {"customer": customer_id, "names": _NAMES, "limit": _PAGE, **_as(until)}
    after: tuple[datetime | None, UUID | None] = (None, None)
    while True:
        with transaction() as session:
            rows = connection_of(session).execute(_PAST, {**asked, "at": after[0], "id": after[1]}).fetchall()
        page = [_event(row) for row in rows]
        yield page
        if len(page) < _PAGE:
            return
        after = page[-1].occurred_at, page[-1].id


def _between(
    connection: Connection, customer_id: UUID, slot: int, begun: Position, until: Position
) -> list[LoggedEvent]:
    asked = {"customer": customer_id, "names": _NAMES, "slot": slot, **_as(until)}
    epoch, xid, seq = begun
    rows = connection.execute(_BETWEEN, {**asked, "from_epoch": epoch, "from_xid": str(xid), "from_seq": seq})
    return [_event(row) for row in rows]


def _position(connection: Connection, slot: int) -> Position:
    row = connection.execute(
        "SELECT epoch, xid::text, seq FROM core.reader_offset WHERE reader = %s AND slot = %s", [READER, slot]
    ).fetchone()
    return (row[0], int(row[1]), row[2]) if row else (0, 0, 0)


def _is_parked(connection: Connection, customer_id: UUID) -> bool:
    row = connection.execute(
        "SELECT FROM core.reader_parked WHERE reader = %s AND subject = %s LIMIT 1", [READER, str(customer_id)]
    ).fetchone()
    return row is not None


def _as(position: Position) -> dict[str, Any]:
    return {"epoch": position[0], "xid": str(position[1]), "seq": position[2]}


def _event(row: tuple[Any, ...]) -> LoggedEvent:
    return LoggedEvent(row[0], row[1], int(row[2]), *row[3:])


_NAMES = sorted(sightings.SEEN | {sightings.REFUND})

_COLUMNS = """e.id, e.epoch, e.xid::text, e.seq, e.slot, e.name, e.customer_id, e.subject_id, e.occurred_at,
              e.recorded_at, e.source, e.caused_by, e.depth, e.trace, e.payload"""
_BY_THEN = "(e.epoch, e.xid, e.seq) <= (%(epoch)s, %(xid)s::xid8, %(seq)s)"

_PAST = f"""
    SELECT {_COLUMNS} FROM core.event e
     WHERE e.customer_id = %(customer)s AND e.name = ANY(%(names)s) AND {_BY_THEN}
       AND (%(at)s::timestamptz IS NULL OR (e.occurred_at, e.id) > (%(at)s, %(id)s::uuid))
     ORDER BY e.occurred_at, e.id
     LIMIT %(limit)s
"""  # noqa: S608 - constants only

_BETWEEN = f"""
    SELECT {_COLUMNS} FROM core.event e
     WHERE e.slot = %(slot)s AND (e.epoch, e.xid, e.seq) > (%(from_epoch)s, %(from_xid)s::xid8, %(from_seq)s)
       AND {_BY_THEN} AND e.customer_id = %(customer)s AND e.name = ANY(%(names)s)
     ORDER BY e.epoch, e.xid, e.seq
"""  # noqa: S608 - constants only

# Locked, so that none of them is linked to somebody else, or seen anew, before this is done.
_SUBJECTS = """
    SELECT first_seen_at, last_seen_at, considered_at, touch_at, touch_event_id, touch_source, touch_medium,
           touch_campaign
      FROM insights.subject WHERE customer_id = %s ORDER BY subject_id FOR UPDATE
"""
