"""Telling staff: a mail to those who look after journeys, which names customers by their ids alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.staff import contacts as staff_contacts
from core import ids
from core.db import connection_of
from core.delivery import messages
from core.delivery.messages import NewMessage
from engage.journeys.models import Journey

PERMISSION = "journeys.write"

#: So many mails a day a person gets of one journey about customers: a journey of a hundred thousand that tells staff of
#: each is a mistake, which the first mails show. That a journey was stopped is told in any case.
MOST_A_DAY = 50

#: More customers than anyone looks up one by one; the mail says how many others there were.
_MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class Told:
    """customer_id: whom it is about; None where it is about the journey itself"""

    journey_id: UUID
    customer_id: UUID | None
    text: str


def tell_staff(session: Session, told: Sequence[Told], *, now: datetime) -> int:
    """Send each person who holds `journeys.write` one mail for each journey and text; says how many mails.

    What a batch tells at once goes into one mail, so that a journey of a thousand does not write a thousand mails; and
    a person gets MOST_A_DAY of a journey's at most.
    """
    if not told:
        return 0
    people = staff_contacts.with_permission(session, PERMISSION)
    wanted = {one.journey_id for one in told}
    had = _had(session, [person.staff_id for person in people], wanted, now=now)
    names: dict[UUID, str] = {
        row.id: row.name for row in session.execute(select(Journey.id, Journey.name).where(Journey.id.in_(wanted)))
    }
    alike: dict[tuple[UUID, str], list[UUID]] = {}
    for one in told:
        customers = alike.setdefault((one.journey_id, one.text), [])
        if one.customer_id is not None:
            customers.append(one.customer_id)
    new = [
        NewMessage(
            customer_id=person.staff_id,
            channel="email",
            recipient=person.email,
            content={
                "subject": _one_line(f"{names[journey_id]}: {text}"),
                "text": _letter(names[journey_id], text, customers),
            },
            purpose="staff",
            due_at=now,
            reference=journey_id,
        )
        for (journey_id, text), customers in alike.items()
        for person in people
        if not customers or had.get((person.staff_id, journey_id), 0) < MOST_A_DAY
    ]
    messages.enqueue_all(session, new, now=now)
    return len(new)


def _had(
    session: Session, staff_ids: Sequence[UUID], journey_ids: Collection[UUID], *, now: datetime
) -> dict[tuple[UUID, UUID], int]:
    """How many mails of a journey each person got in the last day."""
    rows = connection_of(session).execute(
        _HAD, [list(staff_ids), ids.least_at(now - timedelta(days=1)), list(journey_ids)]
    )
    return {(staff_id, journey_id): number for staff_id, journey_id, number in rows}


def _one_line(text: str) -> str:
    return " ".join(text.split())[:120]


def _letter(journey: str, text: str, customers: Sequence[UUID]) -> str:
    lines = [text, "", f"Journey: {journey}"]
    if customers:
        lines += ["Customers:", *(f"  {customer_id}" for customer_id in customers[:_MOST_NAMED])]
    if len(customers) > _MOST_NAMED:
        lines.append(f"  and {len(customers) - _MOST_NAMED} more")
    return "\n".join(lines)


_HAD = """
    SELECT customer_id, reference, count(*) FROM core.message
     WHERE customer_id = ANY(%s) AND id >= %s AND purpose = 'staff' AND reference = ANY(%s)
     GROUP BY customer_id, reference
"""
