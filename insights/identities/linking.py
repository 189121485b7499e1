"""Linking: which customer a subject is, decided by the claims to it and by nothing else.

The same claims give the same links in whatever order they came: the best claim wins, three different customers make
the subject a shared device that is nobody's, and what was undone is kept apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.events import Event, announce_all
from insights.identities.claims import Claim
from insights.identities.events import IdentityLinked, IdentityUndone
from insights.identities.models import EVIDENCE

#: How long a link can be undone.
UNDO = timedelta(days=30)

#: A subject whom so many customers claim is a device that people share.
SHARED = 3

#: The most subjects that count as one customer: more devices than anybody has, and a bound for whoever makes them up.
SUBJECTS = 50

BETTER_CLAIM, SHARED_DEVICE = "a better claim", "shared"


@dataclass(slots=True)
class Settled:
    """shape   owners: subject -> its customer from now on, only of those whose changed; lost: who lost one"""

    owners: dict[str, UUID | None] = field(default_factory=dict)
    lost: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Found:
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
    def differs(self) -> bool:
        wanted = self.claim.customer_id if self.claim else None
        return wanted != self.owner_id or self.is_shared != self.was_shared


def claim_all(connection: Connection, claims: Sequence[Claim]) -> None:
    """Keep what is claimed; claims: the best of each pair, sorted (`claims.best_of_each`)."""
    if claims:
        connection.execute(
            _CLAIM,
            {
                "subjects": [claim.subject_id for claim in claims],
                "customers": [claim.customer_id for claim in claims],
                "evidence": [claim.evidence for claim in claims],
                "times": [claim.at for claim in claims],
                "events": [claim.event_id for claim in claims],
                "order": list(EVIDENCE),
            },
        )


def settle(session: Session, subjects: Sequence[str], *, now: datetime, by: str = BETTER_CLAIM) -> Settled:
    """Give each subject to the customer with the best claim; their rows must be there and locked.

    by       what links that end are said to be undone by
    effects  ends links and makes others; announces identity.undone and identity.linked
    """
    connection = connection_of(session)
    settled = Settled()
    changed = [found for found in _find(connection, subjects) if found.differs] if subjects else []
    if not changed:
        return settled
    room = _room(connection, {found.claim.customer_id for found in changed if found.claim})
    events: list[Event] = []
    for found in changed:
        claim = found.claim
        if claim and claim.customer_id != found.owner_id and not room[claim.customer_id]:
            claim = None
        owner_id = claim.customer_id if claim else None
        if owner_id != found.owner_id:
            settled.owners[found.subject_id] = owner_id
            events += _hand_over(connection, found, claim, by=by, now=now)
            if found.owner_id:
                settled.lost.add(found.owner_id)
            if owner_id:
                room[owner_id] -= 1
        connection.execute(
            _OWN,
            [owner_id, now if claim else None, claim and claim.evidence, found.is_shared, found.subject_id],
        )
    announce_all(session, events)
    return settled


def lock(connection: Connection, subject_id: str) -> None:
    """Wait for whoever counts this subject's deeds, and keep others out for this transaction."""
    connection.execute("SELECT FROM insights.subject WHERE subject_id = %s FOR UPDATE", [subject_id])


def _find(connection: Connection, subjects: Sequence[str]) -> list[_Found]:
    asked = {"subjects": sorted(set(subjects)), "order": list(EVIDENCE), "shared": SHARED}
    rows = connection.execute(_FIND, asked).fetchall()
    return [
        _Found(row[0], row[1], row[2], row[3], Claim(row[0], *row[4:]) if row[4] is not None else None) for row in rows
    ]


def _room(connection: Connection, customers: set[UUID]) -> dict[UUID, int]:
    """How many more subjects may count as each customer."""
    rows: Mapping[UUID, int] = dict(
        connection.execute(
            "SELECT customer_id, count(*) FROM insights.link WHERE undone_at IS NULL AND customer_id = ANY(%s)"
            " GROUP BY customer_id",
            [list(customers)],
        ).fetchall()
    )
    return {customer_id: SUBJECTS - rows.get(customer_id, 0) for customer_id in customers}


def _hand_over(
    connection: Connection, found: _Found, claim: Claim | None, *, by: str, now: datetime
) -> Iterator[Event]:
    if found.owner_id is not None:
        reason = SHARED_DEVICE if found.is_shared and by == BETTER_CLAIM else by
        row = connection.execute(_END, [now, reason, found.subject_id]).fetchone()
        assert row, "a subject that is a customer has a link"
        yield IdentityUndone(
            customer_id=found.owner_id, subject_id=found.subject_id, occurred_at=now, link_id=row[0], reason=reason
        )
    if claim is not None:
        link_id = ids.new()
        made = [link_id, claim.subject_id, claim.customer_id, claim.evidence, claim.event_id, now, now + UNDO]
        connection.execute(_BEGIN, made)
        yield IdentityLinked(
            customer_id=claim.customer_id,
            subject_id=claim.subject_id,
            occurred_at=now,
            link_id=link_id,
            evidence=claim.evidence,
        )


# An event that comes again, or one that is no better, changes nothing.
_CLAIM = """
    INSERT INTO insights.subject_claim AS kept (subject_id, customer_id, evidence, at, event_id)
    SELECT * FROM unnest(%(subjects)s::text[], %(customers)s::uuid[], %(evidence)s::text[], %(times)s::timestamptz[],
                         %(events)s::uuid[])
        ON CONFLICT (subject_id, customer_id) DO UPDATE
       SET evidence = excluded.evidence, at = excluded.at, event_id = excluded.event_id
     WHERE (array_position(%(order)s::text[], excluded.evidence), excluded.at, excluded.event_id)
         < (array_position(%(order)s::text[], kept.evidence), kept.at, kept.event_id)
"""

# What was undone is neither a claim nor counted among those who share a device.
_VALID = """
    FROM insights.subject_claim c
   WHERE c.subject_id = s.subject_id
     AND NOT EXISTS (SELECT FROM insights.kept_apart k
                      WHERE k.subject_id = c.subject_id AND k.customer_id = c.customer_id)
"""
_FIND = f"""
    SELECT s.subject_id, s.customer_id, s.is_shared,
           (SELECT count(*) FROM (SELECT {_VALID} LIMIT %(shared)s) few) >= %(shared)s,
           best.customer_id, best.evidence, best.at, best.event_id
      FROM insights.subject s
      LEFT JOIN LATERAL (SELECT c.* {_VALID}
                          ORDER BY array_position(%(order)s::text[], c.evidence), c.at, c.event_id LIMIT 1) best ON true
     WHERE s.subject_id = ANY(%(subjects)s)
     ORDER BY s.subject_id
"""  # noqa: S608 - constants only

_END = """
    UPDATE insights.link SET undone_at = %s, undone_by = %s
     WHERE subject_id = %s AND undone_at IS NULL
    RETURNING id
"""

_BEGIN = """
    INSERT INTO insights.link (id, subject_id, customer_id, evidence, event_id, made_at, undo_until)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""

_OWN = """
    UPDATE insights.subject SET customer_id = %s, linked_at = %s, linked_by = %s, is_shared = %s WHERE subject_id = %s
"""
