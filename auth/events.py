"""What auth announces."""

from dataclasses import dataclass, field
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class CustomerSignedUp(Event):
    """The first time a phone number was proved (or imported)."""

    name = "customer.signed_up"

    locale: str | None
    time_zone: str | None


@dataclass(frozen=True, kw_only=True)
class CustomerSignedIn(Event):
    """`amr`: by what (RFC 8176): otp, sms, hwk, user, fed ..."""

    name = "customer.signed_in"
    log_only = True

    family_id: UUID
    client_id: str
    session_id: UUID | None = None
    amr: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class EmailProved(Event):
    """A customer showed that they read what is sent to an e-mail address; whichever it is stands nowhere in clear."""

    name = "email.proved"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class EmailDropped(Event):
    """A customer took their e-mail address back."""

    name = "email.dropped"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class CustomerChanged(Event):
    """A customer changed what they say of themselves: which `fields` ("locale", "time_zone", "birthday"), and no more
    than that."""

    name = "customer.changed"
    log_only = True

    fields: list[str]


@dataclass(frozen=True, kw_only=True)
class TokenFamilyRevoked(Event):
    """Signed out on one device; `reason` is "signed_out", or a theft's sign: "refresh_reused", "code_reused"."""

    name = "token_family.revoked"
    log_only = True

    family_id: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class DeviceRegistered(Event):
    """An installation of the app is the customer's; `subject_id`: whom it was before, where the app says so."""

    name = "device.registered"
    log_only = True

    device_id: UUID
    platform: str
    can_push: bool


@dataclass(frozen=True, kw_only=True)
class DeviceTokenDropped(Event):
    """An installation is not reached by push any more; reason: "dead" (the provider said so) or "expired"."""

    name = "device.token_dropped"
    log_only = True

    device_id: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class MerchantAdded(Event):
    name = "merchant.added"
    log_only = True

    merchant_id: UUID


@dataclass(frozen=True, kw_only=True)
class StoreAdded(Event):
    name = "store.added"
    log_only = True

    merchant_id: UUID
    store_id: UUID


@dataclass(frozen=True, kw_only=True)
class TerminalAdded(Event):
    name = "terminal.added"
    log_only = True

    terminal_id: UUID
    store_id: UUID


@dataclass(frozen=True, kw_only=True)
class StaffAdded(Event):
    name = "staff.added"
    log_only = True

    staff_id: UUID
    permissions: list[str]
    roles: list[str]


@dataclass(frozen=True, kw_only=True)
class ApprovalAsked(Event):
    name = "approval.asked"
    log_only = True

    approval_id: UUID
    kind: str


@dataclass(frozen=True, kw_only=True)
class ApprovalDecided(Event):
    name = "approval.decided"
    log_only = True

    approval_id: UUID
    kind: str
    is_approved: bool


@dataclass(frozen=True, kw_only=True)
class ApprovalWithdrawn(Event):
    name = "approval.withdrawn"
    log_only = True

    approval_id: UUID
    kind: str


@dataclass(frozen=True, kw_only=True)
class ApprovalUsed(Event):
    """What was approved has been carried out."""

    name = "approval.used"
    log_only = True

    approval_id: UUID
    kind: str
