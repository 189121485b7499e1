"""What stands for a channel without credentials in production, where no sandbox may swallow a customer's message."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from core.gateways.email import Email
from core.gateways.identity import IdentityOutcome
from core.gateways.outcomes import Refused
from core.gateways.payments import ChargeOutcome, Declined
from core.gateways.push import Push
from core.gateways.signatures import Forged
from core.gateways.sms import Sms
from core.gateways.whatsapp import WhatsApp


class UnconfiguredChannel:
    """Refuses each message, for as long as an operator has not set the channel up."""

    name = "unconfigured"

    def send(self, message: Push | Sms | WhatsApp | Email) -> Refused:
        return Refused(code="channel_not_configured", permanent=False)


class UnconfiguredPayments:
    """Declines each charge."""

    name = "unconfigured"

    def charge(self, *, reference: str, amount_minor: int, currency: str, source: str) -> ChargeOutcome:
        return Declined(code="provider_not_configured")


class UnconfiguredIdentity:
    """Refuses each check, and believes no call-back."""

    name = "unconfigured"

    def submit(self, *, reference: UUID, document_token: str | None) -> IdentityOutcome:
        return Refused(code="provider_not_configured", permanent=False)

    def ask(self, provider_reference: str) -> IdentityOutcome:
        return Refused(code="provider_not_configured", permanent=False)

    def notice(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> None:
        raise Forged
