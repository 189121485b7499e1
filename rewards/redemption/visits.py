"""Visits: one scan of a customer's code, which is burnt by it, serves all that a till asks for one basket.

A visit is its terminal's alone, ends with the first basket that is taken in it (so one scan pays once), by the
terminal, or by its time. Who no longer may pay by a fresh code may not by an open visit either.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customer_codes
from auth.models import ACTIVE
from core import ids
from core.db import Connection, connection_of
from rewards.redemption.errors import VisitOver
from wallet.paying.tills import Till

#: A full trolley is scanned and paid within it, and a till that is left alone cannot go on for long.
LASTS = timedelta(minutes=15)

#: Until then a till that asks again learns that its visit is over; who was where is nobody's business any longer.
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Visit:
    id: UUID
    opened_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


def open_(session: Session, customer_code: str, till: Till, *, now: datetime) -> Visit:
    """Let the till ask about the customer who has just shown this code.

    raises   CustomerCodeRefused
    effects  burns the code
    """
    customer_id = customer_codes.identify(session, customer_code, now=now, is_sandbox=till.is_sandbox)
    visit = Visit(ids.new(), now, now + LASTS)
    values = [visit.id, customer_id, till.terminal_id, visit.opened_at, visit.expires_at]
    connection_of(session).execute(_OPEN, values)
    return visit


def customer_of(connection: Connection, visit_id: UUID, till: Till, *, now: datetime) -> UUID:
    """Whose visit it is.

    raises  VisitOver
    """
    return _found(connection.execute(_CUSTOMER, [visit_id, till.terminal_id, now, ACTIVE]).fetchone())


def spend(connection: Connection, visit_id: UUID, till: Till, *, now: datetime) -> UUID:
    """Whose visit it is, which ends when this transaction does: a basket is taken in it.

    raises   VisitOver, also for whoever waited here for a twin
    effects  locks the visit
    """
    return _found(connection.execute(_SPEND, [now, visit_id, till.terminal_id, now, ACTIVE]).fetchone())


def spend_reserved(connection: Connection, visit_id: UUID, *, now: datetime) -> None:
    """Let the visit of a reservation end with its basket; that it was over by then does not matter.

    raises   VisitOver where another basket was taken in it
    effects  locks the visit
    """
    row = connection.execute(_LOCK, [visit_id]).fetchone()
    if row is not None and row[0] == "checkout":
        raise VisitOver
    connection.execute(_PAID, [now, visit_id])


def end(connection: Connection, visit_id: UUID, till: Till, *, now: datetime) -> Visit:
    """End a visit; one that has ended is answered the same.

    raises  VisitOver for what is not this terminal's
    """
    connection.execute(_END, [now, visit_id, till.terminal_id])
    row = connection.execute(_VISIT, [visit_id, till.terminal_id]).fetchone()
    if row is None:
        raise VisitOver
    return Visit(*row)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop old visits; how many those were."""
    return connection_of(session).execute(_FORGET, [now - KEPT, most]).rowcount


def _found(row: tuple[UUID] | None) -> UUID:
    if row is None:
        raise VisitOver
    return row[0]


_OPEN = """
    INSERT INTO rewards.visit (id, customer_id, terminal_id, opened_at, expires_at) VALUES (%s, %s, %s, %s, %s)
"""

_CUSTOMER = """
    SELECT v.customer_id FROM rewards.visit v JOIN auth.customer c ON c.id = v.customer_id
     WHERE v.id = %s AND v.terminal_id = %s AND v.ended_at IS NULL AND v.expires_at > %s AND c.status = %s
"""

_SPEND = """
    UPDATE rewards.visit v SET ended_at = %s, ended_by = 'checkout'
      FROM auth.customer c
     WHERE v.id = %s AND v.terminal_id = %s AND v.ended_at IS NULL AND v.expires_at > %s
       AND c.id = v.customer_id AND c.status = %s
    RETURNING v.customer_id
"""

_LOCK = "SELECT ended_by FROM rewards.visit WHERE id = %s FOR UPDATE"

_PAID = "UPDATE rewards.visit SET ended_at = coalesce(ended_at, %s), ended_by = 'checkout' WHERE id = %s"

_END = """
    UPDATE rewards.visit SET ended_at = %s, ended_by = 'till' WHERE id = %s AND terminal_id = %s AND ended_at IS NULL
"""

_VISIT = "SELECT id, opened_at, expires_at, ended_at FROM rewards.visit WHERE id = %s AND terminal_id = %s"

_FORGET = """
    DELETE FROM rewards.visit WHERE id IN (
        SELECT id FROM rewards.visit WHERE expires_at < %s ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
