"""What becomes of identities."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class IdentityLinked(Event):
    """What an anonymous subject did counts as the customer's; evidence: one of identities' EVIDENCE."""

    name = "identity.linked"
    log_only = True

    link_id: UUID
    evidence: str


@dataclass(frozen=True, kw_only=True)
class IdentityUndone(Event):
    """What an anonymous subject did does not count as the customer's any more; reason as in Link.undone_by."""

    name = "identity.undone"

    link_id: UUID
    reason: str
