"""The timeline: everything that a customer did or that was done for them, the latest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of

Position = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class Moment:
    """One event of the log. was_anonymous: they were not known yet when it happened."""

    id: UUID
    name: str
    occurred_at: datetime
    source: str
    payload: dict[str, Any]
    was_anonymous: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events; each limit that is empty leaves all.

    names  "voucher.redeemed"; kinds  "voucher", what names begin with; sources  "pocketful" and those of write keys
    since, until  from this instant on, up to and without that
    """

    names: Sequence[str] = ()
    kinds: Sequence[str] = ()
    sources: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = Wanted()


def of(
    session: Session, customer_id: UUID, *, after: Position | None = None, limit: int, wanted: Wanted = EVERYTHING
) -> list[Moment]:
    """A customer's events beyond a position, with those from before they were known."""
    at, event_id = after or (None, None)
    rows = connection_of(session).execute(
        _READ,
        {
            "customer": customer_id,
            "at": at,
            "id": event_id,
            "limit": limit,
            "names": list(wanted.names) or None,
            "kinds": list(wanted.kinds) or None,
            "sources": list(wanted.sources) or None,
            "since": wanted.since,
            "until": wanted.until,
        },
    )
    return [Moment(*row) for row in rows]


_WANTED = """
      AND (%(names)s::text[] IS NULL OR e.name = ANY(%(names)s))
      AND (%(kinds)s::text[] IS NULL OR split_part(e.name, '.', 1) = ANY(%(kinds)s))
      AND (%(sources)s::text[] IS NULL OR e.source = ANY(%(sources)s))
      AND (%(since)s::timestamptz IS NULL OR e.occurred_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR e.occurred_at < %(until)s)
      AND (%(at)s::timestamptz IS NULL OR (e.occurred_at, e.id) < (%(at)s, %(id)s::uuid))
    ORDER BY e.occurred_at DESC, e.id DESC
    LIMIT %(limit)s
"""

# Each source is read through its own index and gives at most a page, whatever its length.
_READ = f"""
    (SELECT e.id, e.name, e.occurred_at, e.source, e.payload, false
       FROM core.event e WHERE e.customer_id = %(customer)s {_WANTED})
    UNION ALL
    (SELECT e.*
       FROM insights.subject s
      CROSS JOIN LATERAL (
            SELECT e.id, e.name, e.occurred_at, e.source, e.payload, true
              FROM core.event e WHERE e.customer_id IS NULL AND e.subject_id = s.subject_id {_WANTED}) e
      WHERE s.customer_id = %(customer)s)
    ORDER BY 3 DESC, 1 DESC
    LIMIT %(limit)s
"""  # noqa: S608 - constants only
