"""Linking: which customer a subject is, decided by the claims to it and by nothing else.

The same claims give the same links in whatever order they came: the best claim wins, three different customers by
words that are as good make the subject a shared device that is nobody's, and what was undone is kept apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.events import announce_all
from insights.identities import owning
from insights.identities.claims import Claim
from insights.identities.models import EVIDENCE, WORDS
from insights.identities.owning import BETTER_CLAIM, Found, Handed

#: A subject whom so many customers claim, each by a word as good as the best, is a device that people share.
SHARED = 3

#: So many claims of one word to a subject are kept: it is long shared by then, and each new one would be sorted among
#: the rest. Of each word by itself, so that a client's many leave room for what the app itself says.
CLAIMS = 20

#: The most subjects that count as one customer: more devices than anybody has, and a bound for whoever makes them up.
SUBJECTS = 50


@dataclass(slots=True)
class Settled:
    """shape   owners: subject -> its customer from now on, only of those whose changed; lost: who lost one"""

    owners: dict[str, UUID | None] = field(default_factory=dict)
    lost: set[UUID] = field(default_factory=set)


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
                **_RANKS,
                "most": CLAIMS,
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
    handed = [Handed(found, _taken(found, room), by if by != BETTER_CLAIM else found.reason) for found in changed]
    for each in handed:
        if each.is_news:
            settled.owners[each.found.subject_id] = each.owner_id
            if each.found.owner_id:
                settled.lost.add(each.found.owner_id)
    ended, begun = owning.write(connection, handed, now=now)
    announce_all(session, [*ended, *begun])
    return settled


def lock(connection: Connection, subject_id: str) -> None:
    """Wait for whoever counts this subject's deeds, and keep others out for this transaction."""
    connection.execute("SELECT FROM insights.subject WHERE subject_id = %s FOR UPDATE", [subject_id])


def _find(connection: Connection, subjects: Sequence[str]) -> list[Found]:
    asked = {"subjects": sorted(set(subjects)), **_RANKS, "shared": SHARED}
    rows = connection.execute(_FIND, asked).fetchall()
    return [
        Found(row[0], row[1], row[2], row[3], Claim(row[0], *row[4:]) if row[4] is not None else None) for row in rows
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


def _taken(found: Found, room: dict[UUID, int]) -> Claim | None:
    """The claim that it goes by, unless its customer has as many subjects already as there may be."""
    claim = found.claim
    if claim is None or claim.customer_id == found.owner_id:
        return claim
    room[claim.customer_id] -= 1
    return claim if room[claim.customer_id] >= 0 else None


_RANKS = {"order": list(EVIDENCE), "words": list(WORDS)}


def _word(evidence: str) -> str:
    return f"(%(words)s::int[])[array_position(%(order)s::text[], {evidence})]"


# An event that comes again, or one that is no better, changes nothing.
_CLAIM = f"""
    INSERT INTO insights.subject_claim AS kept (subject_id, customer_id, evidence, at, event_id)
    SELECT * FROM unnest(%(subjects)s::text[], %(customers)s::uuid[], %(evidence)s::text[], %(times)s::timestamptz[],
                         %(events)s::uuid[]) AS told (subject_id, customer_id, evidence, at, event_id)
     WHERE (SELECT count(*) FROM insights.subject_claim c
             WHERE c.subject_id = told.subject_id AND c.customer_id <> told.customer_id
               AND {_word("c.evidence")} = {_word("told.evidence")}) < %(most)s
        ON CONFLICT (subject_id, customer_id) DO UPDATE
       SET evidence = excluded.evidence, at = excluded.at, event_id = excluded.event_id
     WHERE (array_position(%(order)s::text[], excluded.evidence), excluded.at, excluded.event_id)
         < (array_position(%(order)s::text[], kept.evidence), kept.at, kept.event_id)
"""  # noqa: S608 - constants only

# What was undone is neither a claim nor counted among those who share a device.
_VALID = """
    FROM insights.subject_claim c
   WHERE c.subject_id = s.subject_id
     AND NOT EXISTS (SELECT FROM insights.kept_apart k
                      WHERE k.subject_id = c.subject_id AND k.customer_id = c.customer_id)
"""
_FIND = f"""
    SELECT s.subject_id, s.customer_id, s.is_shared,
           (SELECT count(*) {_VALID} AND {_word("c.evidence")} = {_word("best.evidence")}) >= %(shared)s,
           best.customer_id, best.evidence, best.at, best.event_id
      FROM insights.subject s
      LEFT JOIN LATERAL (SELECT c.* {_VALID}
                          ORDER BY array_position(%(order)s::text[], c.evidence), c.at, c.event_id LIMIT 1) best ON true
     WHERE s.subject_id = ANY(%(subjects)s)
     ORDER BY s.subject_id
"""  # noqa: S608 - constants only
