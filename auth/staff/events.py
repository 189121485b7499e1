"""What is told of staff, by their ids alone."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class StaffInvited(Event):
    name = "staff.invited"
    log_only = True

    staff_id: UUID


@dataclass(frozen=True, kw_only=True)
class StaffJoined(Event):
    """Somebody made a means to sign in, by an invitation or after a recovery code; `means`: "passkey" or "totp"."""

    name = "staff.joined"
    log_only = True

    staff_id: UUID
    means: str
    purpose: str


@dataclass(frozen=True, kw_only=True)
class StaffChanged(Event):
    name = "staff.changed"
    log_only = True

    staff_id: UUID
    roles: list[str]
    status: str


@dataclass(frozen=True, kw_only=True)
class StaffSignedIn(Event):
    name = "staff.signed_in"
    log_only = True

    staff_id: UUID
    amr: list[str]


@dataclass(frozen=True, kw_only=True)
class StaffLocked(Event):
    """Five wrong codes: none is looked at for a while."""

    name = "staff.locked"
    log_only = True

    staff_id: UUID
