"""What linking identities announces."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class IdentityLinked(Event):
    """A customer can sign in by Apple or Google from now on; as whom there stands nowhere in clear."""

    name = "provider_identity.linked"
    log_only = True

    identity_id: UUID
    provider: str


@dataclass(frozen=True, kw_only=True)
class IdentityUnlinked(Event):
    name = "provider_identity.unlinked"
    log_only = True

    identity_id: UUID
    provider: str
