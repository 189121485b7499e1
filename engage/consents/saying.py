"""Consent: what a customer allows, per channel and purpose, and where they said so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import connection_of
from core.delivery import messages
from core.events import announce_all
from engage.consents.events import ConsentChanged
from engage.consents.models import Consent

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


def put(session: Session, said: Said, *, source: str, now: datetime) -> Consent:
    """Keep what a customer said; saying the same again changes nothing.

    source   where it was said: "app", "import", "provider"
    effects  announces consent.changed when it is a change; a no takes back what waits to be sent
    """
    put_all(session, [said], source=source, now=now)
    return session.get_one(Consent, (said.customer_id, said.channel, said.purpose), populate_existing=True)


def put_all(session: Session, said: Sequence[Said], *, source: str, now: datetime) -> int:
    """`put` for many with one statement, each customer, channel and purpose named once; says how many changed."""
    if not said:
        return 0
    rows = connection_of(session).execute(
        _PUT,
        [
            source,
            now,
            [one.customer_id for one in said],
            [one.channel for one in said],
            [one.purpose for one in said],
            [one.is_granted for one in said],
        ],
    )
    changed = [Said(*row) for row in rows]

    _take_back(session, [one for one in changed if not one.is_granted])
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
            )
            for one in changed
        ],
    )
    return len(changed)


# Arrays, since a VALUES list ends at 65,535 parameters; in one order, so that two of these cannot wait for each other.
_PUT = """
    INSERT INTO engage.consent AS kept (customer_id, channel, purpose, is_granted, source, at)
    SELECT customer_id, channel, purpose, is_granted, %s, %s
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::boolean[]) AS said (customer_id, channel, purpose, is_granted)
     ORDER BY customer_id, channel, purpose
        ON CONFLICT (customer_id, channel, purpose) DO UPDATE
       SET is_granted = excluded.is_granted, source = excluded.source, at = excluded.at
     WHERE kept.is_granted <> excluded.is_granted
    RETURNING customer_id, channel, purpose, is_granted
"""


def _take_back(session: Session, refused: Sequence[Said]) -> None:
    """What was decided while they still allowed it, but has not left: a queue or a retry must not outlive a no."""
    for channel, purpose in sorted({(one.channel, one.purpose) for one in refused}):
        holders = [one.customer_id for one in refused if (one.channel, one.purpose) == (channel, purpose)]
        messages.suppress(session, customer_ids=holders, reason="opted_out", channel=channel, purpose=purpose)


def of(session: Session, customer_id: UUID) -> Sequence[Consent]:
    """All that one customer said, in a steady order."""
    query = select(Consent).where(Consent.customer_id == customer_id).order_by(Consent.channel, Consent.purpose)
    return session.scalars(query).all()


def of_many(session: Session, customer_ids: Iterable[UUID]) -> Consents:
    """With one query, what any number of customers said."""
    query = select(Consent.customer_id, Consent.channel, Consent.purpose, Consent.is_granted)
    rows = session.execute(query.where(Consent.customer_id.in_(list(set(customer_ids)))))
    return Consents({(row.customer_id, row.channel, row.purpose): row.is_granted for row in rows})
