"""Consent: what a customer allows, per channel and purpose, and where they said so."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.delivery import withdrawing
from core.events import announce_all
from engage.consents.events import ConsentChanged
from engage.consents.models import Consent
from engage.contacting import caps

MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that one customer said."""

    customer_id: UUID
    channel: str
    purpose: str
    is_granted: bool


@dataclass(frozen=True)
class Consents:
    """What many customers said, at hand for a batch of messages."""

    said: dict[tuple[UUID, str, str], bool] = field(default_factory=dict)

    def allow(self, customer_id: UUID, *, channel: str, purpose: str) -> bool:
        """Marketing needs a yes; what a customer's own deed brings about goes out until they say no."""
        return self.said.get((customer_id, channel, purpose), purpose != MARKETING)


def put(
    session: Session,
    said: Said,
    *,
    source: str,
    wording_id: UUID | None = None,
    evidence: Mapping[str, Any] | None = None,
    now: datetime,
) -> Consent:
    """`put_all` of one; returns what holds now."""
    put_all(session, [said], source=source, wording_id=wording_id, evidence=evidence, now=now)
    return session.get_one(Consent, (said.customer_id, said.channel, said.purpose), populate_existing=True)


def put_all(
    session: Session,
    said: Sequence[Said],
    *,
    source: str,
    wording_id: UUID | None = None,
    evidence: Mapping[str, Any] | None = None,
    now: datetime,
) -> int:
    """Keep what customers said, each customer, channel and purpose named once; says how many of it is news.

    Saying the same again changes nothing, save a yes to other words than before.

    source      where it was said: "app", "page", "one_click", "stop", "start", "provider", "staff", "import"
    wording_id  the words in which they were asked, where they were shown any
    evidence    what else shows that they said it; never personal data
    effects     records each change for ever; announces consent.changed; a no takes back what waits to be sent
    """
    if not said:
        return 0
    rows = connection_of(session).execute(
        _PUT,
        {
            "records": [ids.new() for _ in said],
            "customers": [one.customer_id for one in said],
            "channels": [one.channel for one in said],
            "purposes": [one.purpose for one in said],
            "granted": [one.is_granted for one in said],
            "source": source,
            "wording": wording_id,
            "evidence": json.dumps(evidence or {}),
            "now": now,
        },
    )
    changed = [Said(*row) for row in rows]

    _take_back(session, [one for one in changed if not one.is_granted], now=now)
    announce_all(
        session,
        [
            ConsentChanged(
                customer_id=one.customer_id,
                occurred_at=now,
                channel=one.channel,
                purpose=one.purpose,
                is_granted=one.is_granted,
                given_through=source,
                wording_id=wording_id,
            )
            for one in changed
        ],
    )
    return len(changed)


# Arrays, since a VALUES list ends at 65,535 parameters; in one order, so that two of these cannot wait for each other.
_PUT = """
    WITH said AS (
        SELECT * FROM unnest(%(records)s::uuid[], %(customers)s::uuid[], %(channels)s::text[], %(purposes)s::text[],
                             %(granted)s::boolean[])
                   AS said (record_id, customer_id, channel, purpose, is_granted)
    ), changed AS (
        INSERT INTO engage.consent AS kept (customer_id, channel, purpose, is_granted, source, at, wording_id)
        SELECT customer_id, channel, purpose, is_granted, %(source)s, %(now)s, %(wording)s::uuid
          FROM said
         ORDER BY customer_id, channel, purpose
            ON CONFLICT (customer_id, channel, purpose) DO UPDATE
           SET is_granted = excluded.is_granted, source = excluded.source, at = excluded.at,
               wording_id = excluded.wording_id
         WHERE kept.is_granted <> excluded.is_granted
            OR (excluded.is_granted AND excluded.wording_id IS NOT NULL
                AND kept.wording_id IS DISTINCT FROM excluded.wording_id)
        RETURNING customer_id, channel, purpose, is_granted
    ), recorded AS (
        INSERT INTO engage.consent_record
               (id, customer_id, channel, purpose, is_granted, source, wording_id, evidence, at)
        SELECT said.record_id, customer_id, channel, purpose, changed.is_granted, %(source)s, %(wording)s::uuid,
               %(evidence)s::jsonb, %(now)s
          FROM changed JOIN said USING (customer_id, channel, purpose)
    )
    SELECT customer_id, channel, purpose, is_granted FROM changed
"""


def _take_back(session: Session, refused: Sequence[Said], *, now: datetime) -> None:
    """What was decided while they still allowed it, but has not left: a queue or a retry must not outlive a no."""
    for channel, purpose in sorted({(one.channel, one.purpose) for one in refused}):
        holders = [one.customer_id for one in refused if (one.channel, one.purpose) == (channel, purpose)]
        withdrawn = withdrawing.withdraw(
            session, customer_ids=holders, channel=channel, purpose=purpose, reason="opted_out", now=now
        )
        caps.give_back(session, [key for one in withdrawn for key in caps.noted(one.customer_id, one.gate)])


def of(session: Session, customer_id: UUID) -> Sequence[Consent]:
    """All that one customer said, in a steady order."""
    query = select(Consent).where(Consent.customer_id == customer_id).order_by(Consent.channel, Consent.purpose)
    return session.scalars(query).all()


def of_many(session: Session, customer_ids: Iterable[UUID]) -> Consents:
    """With one query, what any number of customers said."""
    query = "SELECT customer_id, channel, purpose, is_granted FROM engage.consent WHERE customer_id = ANY(%s)"
    rows = connection_of(session).execute(query, [list(set(customer_ids))])
    return Consents({(row[0], row[1], row[2]): row[3] for row in rows})
