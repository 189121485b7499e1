"""Segments follow the log: whoever an event may bring in or out is judged in the batch that read it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.events import LoggedEvent, announce_all
from insights.profiles.events import ProfileSeen
from insights.segments import catalogue, course
from insights.segments.course import Course
from insights.segments.judging import judge


def begin(connection: Connection, events: Sequence[LoggedEvent], now: datetime) -> Course:
    """Look at a batch before profiles and streams take it: see `course.of`."""
    followed = catalogue.read(connection)
    return course.of(connection, followed, events, now) if followed.segments else Course()


def follow(session: Session, taken: Course, now: datetime) -> None:
    """Judge the customers of a batch, after profiles and streams have taken it.

    effects  announces segment.entered and segment.left, each caused by the event that moved the customer
    """
    judge(connection_of(session), taken.asked, now, course=taken)


def tell_visited(session: Session, customer_ids: Collection[UUID], now: datetime) -> None:
    """Let those be judged whose profile a linked visitor's deed has changed. Only who holds their slot may judge them.

    effects  announces profile.seen of each, where a segment goes by profiles
    """
    followed = catalogue.read(connection_of(session))
    if followed.of_profile or followed.of_everything:
        announce_all(session, [ProfileSeen(customer_id=each, occurred_at=now) for each in sorted(customer_ids)])


def rejudge(session: Session, customer_id: UUID, now: datetime) -> None:
    """Judge a customer by every segment, once what is kept of them was told again from the log.

    The caller holds the customer's slot of the reader.
    effects  announces who entered and left as a rebuild: nothing has happened to the customer just now
    """
    connection = connection_of(session)
    segments = list(catalogue.read(connection).segments.values())
    judge(connection, {customer_id: segments}, now, is_rebuild=True)
