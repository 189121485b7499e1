"""Why one customer is in a segment, or is not: the condition with what it asks for and what is."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.notes import Notes
from insights.segments import saved
from insights.segments.loading import load
from insights.segments.models import Membership
from insights.segments.parsing import parse


@dataclass(frozen=True, slots=True)
class Explained:
    """is_in   as it is kept; reason: of this moment. While a segment is built, or an event is on its way, they may
               differ
    recheck_on  the first day on which time alone may change it
    """

    segment_id: UUID
    key: str
    is_in: bool
    since: datetime | None
    recheck_on: date | None
    reason: dict[str, Any]


def explain(session: Session, customer_id: UUID, segment_id: UUID, now: datetime) -> Explained:
    """raises  NotFound for an unknown segment"""
    segment = saved.find(session, segment_id)
    condition = parse(segment.expanded, Notes(), is_expanded=True)
    facts = load(connection_of(session), condition.needs, [customer_id], now)[customer_id]
    kept = session.get(Membership, (customer_id, segment_id))
    reason = condition.explain(facts)
    if facts.profile is None:
        reason = {"is_met": False, "says": "The log tells nothing of this customer yet.", "because": reason}
    return Explained(
        segment_id=segment.id,
        key=segment.key,
        is_in=kept is not None and kept.is_in,
        since=kept.since if kept else None,
        recheck_on=kept.recheck_on if kept else None,
        reason=reason,
    )
