"""What passkeys announce."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class PasskeyAdded(Event):
    """A customer made a passkey, or a person of staff did: then there is their id, and no customer."""

    name = "passkey.added"
    log_only = True

    passkey_id: UUID
    staff_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PasskeyRemoved(Event):
    name = "passkey.removed"
    log_only = True

    passkey_id: UUID
    staff_id: UUID | None = None
