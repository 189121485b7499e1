"""A card provider without a network, for developers' machines and tests."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.gateways import signatures
from core.gateways.outcomes import Unknown
from core.gateways.payments import (
    ActionNeeded,
    Charged,
    ChargeOutcome,
    Declined,
    Method,
    Notice,
    Refunded,
    RefundOutcome,
    SheetKeys,
)

#: Signs the sandbox's call-backs. Known to all, as its money is none.
WEBHOOK_SECRET = "sandbox"  # noqa: S105 - a name, as everything here is public
SIGNATURE = "Stripe-Signature"


class SandboxPayments:
    """Test sources, as card providers offer them. The answer hangs on the source alone, so it needs no memory.

    sandbox_ok            charged
    sandbox_declined      declined: card_declined
    sandbox_insufficient  declined: insufficient_funds
    sandbox_3ds           the customer has to prove who they are; off session declined: authentication_required
    sandbox_timeout       unknown, however often it is asked
    anything else         declined: unknown_source

    What the customer completes in an app is completed here by a call-back that `signed` makes.
    """

    name = "sandbox"
    publishable_key = "pk_sandbox"

    _DECLINES = {"sandbox_declined": "card_declined", "sandbox_insufficient": "insufficient_funds"}
    _METHODS = (
        Method("sandbox_ok", "card", "visa", "4242", (2034, 12)),
        Method("sandbox_declined", "card", "visa", "0002", (2034, 12)),
    )

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
        _check(amount_minor)

        if source == "sandbox_ok":
            return Charged(provider_reference=_name("sandbox", reference, amount_minor, currency))
        if source == "sandbox_3ds" and not is_off_session:
            return _waiting(_name("sandbox_action", reference, amount_minor, currency))
        if source == "sandbox_3ds":
            return Declined(code="authentication_required")
        if source == "sandbox_timeout":
            return Unknown(reason="timeout")
        return Declined(code=self._DECLINES.get(source, "unknown_source"))

    def prepare(self, *, reference: str, amount_minor: int, currency: str, payer: str) -> ChargeOutcome:
        _check(amount_minor)

        return _waiting(_name("sandbox_action", reference, amount_minor, currency))

    def sheet_keys(self, *, payer: str) -> SheetKeys | Unknown:
        return SheetKeys(publishable_key=self.publishable_key, ephemeral_key=f"ek_{payer}", payer=payer)

    def look_up(self, provider_reference: str) -> ChargeOutcome:
        if provider_reference.startswith("sandbox_action_"):
            return _waiting(provider_reference)
        return Charged(provider_reference)

    def cancel(self, provider_reference: str) -> ChargeOutcome:
        if provider_reference.startswith("sandbox_action_"):
            return Declined(code="canceled")
        return Charged(provider_reference)

    def refund(self, *, reference: str, provider_reference: str, amount_minor: int, currency: str) -> RefundOutcome:
        _check(amount_minor)

        return Refunded(provider_reference=_name("sandbox_refund", reference, amount_minor, currency))

    def open_payer(self, *, reference: str) -> str | Unknown:
        return f"sandbox_payer_{reference}"

    def methods(self, *, payer: str) -> Sequence[Method] | Unknown:
        return self._METHODS

    def detach(self, *, payer: str, method: str) -> bool | Unknown:
        return any(each.id == method for each in self._METHODS)

    def notice(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> Notice:
        signatures.check(headers.get(SIGNATURE, ""), body, secrets=[WEBHOOK_SECRET], at=at)
        try:
            return Notice(**json.loads(body))
        except (ValueError, TypeError):
            return Notice(id="", kind="other")


def signed(told: Mapping[str, Any], *, at: datetime) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a call-back that tells a `Notice`'s fields."""
    body = json.dumps(told).encode()
    return body, {SIGNATURE: signatures.sign(body, secret=WEBHOOK_SECRET, at=at), "Content-Type": "application/json"}


def _check(amount_minor: int) -> None:
    if amount_minor <= 0:
        raise ValueError("a charge is of at least one minor unit")


def _name(prefix: str, reference: str, amount_minor: int, currency: str) -> str:
    return f"{prefix}_{hashlib.sha256(f'{reference}|{amount_minor}|{currency}'.encode()).hexdigest()[:24]}"


def _waiting(provider_reference: str) -> ActionNeeded:
    return ActionNeeded(provider_reference, client_secret=f"{provider_reference}_secret")
