"""What stands for a channel without credentials in production, where no sandbox may swallow a customer's message."""

from core.gateways.email import Email
from core.gateways.outcomes import Refused
from core.gateways.payments import ChargeOutcome, Declined
from core.gateways.push import Push
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
