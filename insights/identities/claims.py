"""Claims: what an event says about whose a subject is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.events import LoggedEvent
from insights.identities.models import EVIDENCE

#: With both ids known, these say that the anonymous subject is this customer.
NAMES = frozenset({"outside.identify", "outside.alias", "identity.mapped", "device.registered"})

#: Of events that are not from outside, the evidence follows from the name.
_OURS = {"identity.mapped": "staff", "device.registered": "device"}


@dataclass(frozen=True, slots=True)
class Claim:
    subject_id: str
    customer_id: UUID
    evidence: str
    at: datetime
    event_id: UUID

    @property
    def order(self) -> tuple[int, datetime, UUID]:
        """The best claim is the first: by its evidence, then the earliest. It is the same in whatever order events
        come in, so links can be told again from the log."""
        return EVIDENCE.index(self.evidence), self.at, self.event_id


def of(event: LoggedEvent) -> Claim | None:
    """What an event claims; None where it names no two."""
    if event.name not in NAMES or event.customer_id is None or event.subject_id is None:
        return None
    evidence = _OURS.get(event.name) or event.payload.get("known_by")
    if evidence not in EVIDENCE:
        evidence = "client"
    return Claim(event.subject_id, event.customer_id, evidence, event.occurred_at, event.id)


def best_of_each(found: Sequence[Claim]) -> list[Claim]:
    """The best claim of each pair, in the order in which their rows are locked everywhere."""
    best: dict[tuple[str, UUID], Claim] = {}
    for claim in sorted(found, key=lambda claim: claim.order, reverse=True):
        best[claim.subject_id, claim.customer_id] = claim
    return [best[pair] for pair in sorted(best)]
