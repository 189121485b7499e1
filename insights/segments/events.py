"""What is announced of segments. Journeys that begin by a segment read it in the log, as everybody who follows it."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class _OfMember(Event):
    """is_rebuild: found as the segment was built or changed, so nothing has happened to the customer just now"""

    segment_id: UUID
    key: str
    revision: int
    is_rebuild: bool


@dataclass(frozen=True, kw_only=True)
class SegmentEntered(_OfMember):
    name = "segment.entered"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class SegmentLeft(_OfMember):
    name = "segment.left"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class SegmentBuilt(Event):
    """Everybody was judged by this revision; from now on it is followed."""

    name = "segment.built"
    log_only = True

    segment_id: UUID
    key: str
    revision: int
    members: int


@dataclass(frozen=True, kw_only=True)
class DateReached(Event):
    """In the customer's own time zone a day has begun, so many days before one that a trait of theirs names.

    units  day: the one that is named, in its year, as YYYY-MM-DD
    """

    name = "date.reached"
    log_only = True

    trait: str
    day: str
    days_before: int
