"""What stands for a channel without credentials in production, where no sandbox may swallow a customer's message."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from core.gateways.email import Email
from core.gateways.identity import IdentityOutcome
from core.gateways.outcomes import Refused, Unknown
from core.gateways.payments import ChargeOutcome, Declined, Method, Notice, RefundOutcome, SheetKeys
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
    """Declines each charge, and believes no call-back."""

    name = "unconfigured"
    publishable_key = ""

    _DECLINED = Declined(code="provider_not_configured")
    _UNKNOWN = Unknown(reason="provider_not_configured")

    def charge(
        self,
        *,
        reference: str,
        amount_minor: int,
        currency: str,
        source: str,
        payer: str | None = None,
        is_off_session: bool = False,
    ) -> ChargeOutcome:
        return self._DECLINED

    def prepare(self, *, reference: str, amount_minor: int, currency: str, payer: str) -> ChargeOutcome:
        return self._DECLINED

    def sheet_keys(self, *, payer: str) -> SheetKeys | Unknown:
        return self._UNKNOWN

    def look_up(self, provider_reference: str) -> ChargeOutcome:
        return self._UNKNOWN

    def cancel(self, provider_reference: str) -> ChargeOutcome:
        return self._UNKNOWN

    def refund(self, *, reference: str, provider_reference: str, amount_minor: int, currency: str) -> RefundOutcome:
        return self._DECLINED

    def open_payer(self, *, reference: str) -> str | Unknown:
        return self._UNKNOWN

    def methods(self, *, payer: str) -> Sequence[Method] | Unknown:
        return self._UNKNOWN

    def detach(self, *, payer: str, method: str) -> bool | Unknown:
        return self._UNKNOWN

    def notice(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> Notice:
        raise Forged


class UnconfiguredIdentity:
    """Refuses each check, and believes no call-back."""

    name = "unconfigured"

    def submit(self, *, reference: UUID, document_token: str | None) -> IdentityOutcome:
        return Refused(code="provider_not_configured", permanent=False)

    def ask(self, provider_reference: str) -> IdentityOutcome:
        return Refused(code="provider_not_configured", permanent=False)

    def notice(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> None:
        raise Forged
