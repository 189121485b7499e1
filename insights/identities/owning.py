"""Owning: handing subjects over from one customer to another, with the links that tell of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core import ids
from core.db import Connection
from insights.identities.claims import Claim
from insights.identities.events import IdentityLinked, IdentityUndone

#: How long a link can be undone.
UNDO = timedelta(days=30)

BETTER_CLAIM, SHARED_DEVICE = "a better claim", "shared"


@dataclass(frozen=True, slots=True)
class Found:
    """A locked subject: whose it is, whether three claim it now (and did), and the best claim."""

    subject_id: str
    owner_id: UUID | None
    was_shared: bool
    is_shared: bool
    best: Claim | None

    @property
    def claim(self) -> Claim | None:
        """The claim that it should go by."""
        return None if self.is_shared else self.best

    @property
    def reason(self) -> str:
        """Why it is no longer whose it was."""
        return SHARED_DEVICE if self.is_shared else BETTER_CLAIM

    @property
    def differs(self) -> bool:
        wanted = self.claim.customer_id if self.claim else None
        return wanted != self.owner_id or self.is_shared != self.was_shared


@dataclass(frozen=True, slots=True)
class Handed:
    """What becomes of a subject: the claim by which it is somebody's from now on, or nobody's."""

    found: Found
    claim: Claim | None
    reason: str

    @property
    def owner_id(self) -> UUID | None:
        return self.claim.customer_id if self.claim else None

    @property
    def is_news(self) -> bool:
        return self.owner_id != self.found.owner_id


def write(
    connection: Connection, handed: Sequence[Handed], *, now: datetime
) -> tuple[list[IdentityUndone], list[IdentityLinked]]:
    """Hand subjects over, each kind of row with one statement; returns what is to be announced."""
    connection.execute(
        _OWN,
        [
            now,
            [each.found.subject_id for each in handed],
            [each.owner_id for each in handed],
            [each.claim and each.claim.evidence for each in handed],
            [each.found.is_shared for each in handed],
        ],
    )
    lost = [each for each in handed if each.is_news and each.found.owner_id]
    won = [(ids.new(), each.claim) for each in handed if each.is_news and each.claim]
    return _end(connection, lost, now=now), _begin(connection, won, now=now)


def _end(connection: Connection, lost: Sequence[Handed], *, now: datetime) -> list[IdentityUndone]:
    if not lost:
        return []
    columns = [[each.found.subject_id for each in lost], [each.reason for each in lost]]
    links: dict[str, UUID] = dict(connection.execute(_END, [now, *columns]).fetchall())
    return [
        IdentityUndone(
            customer_id=each.found.owner_id,
            subject_id=each.found.subject_id,
            occurred_at=now,
            link_id=links[each.found.subject_id],
            reason=each.reason,
        )
        for each in lost
    ]


def _begin(connection: Connection, won: Sequence[tuple[UUID, Claim]], *, now: datetime) -> list[IdentityLinked]:
    if not won:
        return []
    columns = [
        [link_id for link_id, _ in won],
        [claim.subject_id for _, claim in won],
        [claim.customer_id for _, claim in won],
        [claim.evidence for _, claim in won],
        [claim.event_id for _, claim in won],
    ]
    connection.execute(_BEGIN, [now, now + UNDO, *columns])
    return [
        IdentityLinked(
            customer_id=claim.customer_id,
            subject_id=claim.subject_id,
            occurred_at=now,
            link_id=link_id,
            evidence=claim.evidence,
        )
        for link_id, claim in won
    ]


_END = """
    UPDATE insights.link l SET undone_at = %s, undone_by = ended.reason
      FROM unnest(%s::text[], %s::text[]) AS ended (subject_id, reason)
     WHERE l.subject_id = ended.subject_id AND l.undone_at IS NULL
    RETURNING l.subject_id, l.id
"""

_BEGIN = """
    INSERT INTO insights.link (made_at, undo_until, id, subject_id, customer_id, evidence, event_id)
    SELECT %s, %s, * FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::uuid[])
"""

# Whoever is nobody's was never linked: when and by what tells of the customer whose it is.
_OWN = """
    UPDATE insights.subject s
       SET customer_id = owned.customer_id, linked_by = owned.evidence, is_shared = owned.is_shared,
           linked_at = CASE WHEN owned.customer_id IS NOT NULL THEN %s::timestamptz END
      FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::boolean[])
           AS owned (subject_id, customer_id, evidence, is_shared)
     WHERE s.subject_id = owned.subject_id
"""
