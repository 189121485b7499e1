"""Who signed in and how: plain data that every part of sign-in speaks of."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

#: `acr`, weakest first: one factor (a texted code, Apple, Google); two of them; a passkey, which cannot be phished.
ONE_FACTOR, MULTI_FACTOR, PHISHING_RESISTANT = "1fa", "mfa", "phr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A customer or a person of staff: exactly one of them."""

    customer_id: UUID | None = None
    staff_id: UUID | None = None

    def __post_init__(self) -> None:
        if (self.customer_id is None) == (self.staff_id is None):
            raise ValueError("an owner is a customer or a person of staff")

    @property
    def id(self) -> UUID:
        found = self.customer_id or self.staff_id
        assert found is not None
        return found

    @property
    def name(self) -> str:
        """As ledgers and audit rows call it: "customer:<uuid>"."""
        return f"customer:{self.customer_id}" if self.customer_id else f"staff:{self.staff_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """That an owner signed in: when, how strongly, and by what (RFC 8176: otp, sms, hwk, user, fed ...)."""

    owner: Owner
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a client may now have of an owner. A secret that nobody is to learn is None.

    jkt   thumbprint of the DPoP key that what is granted is bound to
    """

    family_id: UUID
    session_id: UUID
    client_id: str
    scope: str
    proved: Proved
    jkt: bytes | None = None
    refresh_token: str | None = None
    device_secret: str | None = None
    nonce: str | None = None
