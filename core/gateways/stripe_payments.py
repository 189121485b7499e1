"""Stripe's PaymentIntents: cards charged by us, or completed by the customer in its PaymentSheet.

source  https://docs.stripe.com/payments/accept-a-payment?platform=ios, /api/payment_intents, /api/idempotent_requests,
        read 2026-11
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import stripe

from core.gateways import stripe_client, stripe_notices
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
    Underway,
)
from core.gateways.stripe_amounts import to_stripe

Made = TypeVar("Made")

#: An amount that cards cannot be charged in its currency.
_INDIVISIBLE = Declined(code="amount_not_chargeable")


class StripePayments:
    """Our reference is each request's Idempotency-Key and stands in the intent's metadata, by which notices find it."""

    name = "stripe"

    def __init__(
        self, *, secret_key: str, publishable_key: str, webhook_secrets: Sequence[str], api_url: str | None = None
    ) -> None:
        self._v1 = stripe_client.build(secret_key=secret_key, api_url=api_url).v1
        self.publishable_key = publishable_key
        self._webhook_secrets = webhook_secrets

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
        params = _intent(reference, amount_minor, currency, payer)
        if params is None:
            return _INDIVISIBLE
        is_token = source.startswith("tok_")
        method = {"payment_method_data": {"type": "card", "card": {"token": source}}}
        params |= method if is_token else {"payment_method": source}
        # Somebody at a till or in the background cannot follow a bank's redirect.
        params |= {"confirm": True, "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
        params |= {"off_session": True} if is_off_session else {}
        return self._create(params, reference)

    def prepare(self, *, reference: str, amount_minor: int, currency: str, payer: str) -> ChargeOutcome:
        params = _intent(reference, amount_minor, currency, payer)
        if params is None:
            return _INDIVISIBLE
        # Whether the card is saved for later the customer says in the sheet: `setup_future_usage` here would not ask.
        params |= {"automatic_payment_methods": {"enabled": True}}
        return self._create(params, reference)

    def sheet_keys(self, *, payer: str) -> SheetKeys | Unknown:
        options: Any = {"stripe_version": stripe_client.VERSION}
        made = _asked(lambda: self._v1.ephemeral_keys.create({"customer": payer}, options))
        if isinstance(made, Declined | Unknown):
            return _unknown(made)
        return SheetKeys(self.publishable_key, str(made.secret), payer)

    def look_up(self, provider_reference: str) -> ChargeOutcome:
        found = _asked(lambda: self._v1.payment_intents.retrieve(provider_reference))
        # That it cannot be read says nothing of whether it was paid.
        return _unknown(found) if isinstance(found, Declined | Unknown) else _outcome(found)

    def cancel(self, provider_reference: str) -> ChargeOutcome:
        made = _asked(lambda: self._v1.payment_intents.cancel(provider_reference, {"cancellation_reason": "abandoned"}))
        # It cannot be called off once it is paid, or called off before: ask which.
        return self.look_up(provider_reference) if isinstance(made, Declined | Unknown) else _outcome(made)

    def refund(self, *, reference: str, provider_reference: str, amount_minor: int, currency: str) -> RefundOutcome:
        amount = to_stripe(amount_minor, currency)
        if amount is None:
            return _INDIVISIBLE
        made = _asked(
            lambda: self._v1.refunds.create(
                {"payment_intent": provider_reference, "amount": amount, "metadata": {"refund_id": reference}},
                {"idempotency_key": reference},
            )
        )
        if isinstance(made, Declined | Unknown):
            return made
        if made.status in ("failed", "canceled"):
            return Declined(code=str(made.failure_reason or made.status))
        return Refunded(provider_reference=made.id)

    def open_payer(self, *, reference: str) -> str | Unknown:
        made = _asked(
            lambda: self._v1.customers.create(
                {"metadata": {"customer_id": reference}}, {"idempotency_key": f"payer-{reference}"}
            )
        )
        return _unknown(made) if isinstance(made, Declined | Unknown) else made.id

    def methods(self, *, payer: str) -> Sequence[Method] | Unknown:
        found = _asked(lambda: self._v1.customers.payment_methods.list(payer, {"limit": 100}).data)
        return _unknown(found) if isinstance(found, Declined | Unknown) else [_method(each) for each in found]

    def detach(self, *, payer: str, method: str) -> bool | Unknown:
        theirs = _asked(lambda: self._v1.customers.payment_methods.retrieve(payer, method))
        if isinstance(theirs, Declined):
            return False
        made = theirs if isinstance(theirs, Unknown) else _asked(lambda: self._v1.payment_methods.detach(method))
        return _unknown(made) if isinstance(made, Declined | Unknown) else True

    def notice(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> Notice:
        return stripe_notices.read(body, headers.get("Stripe-Signature", ""), secrets=self._webhook_secrets, at=at)

    def _create(self, params: dict[str, Any], reference: str) -> ChargeOutcome:
        try:
            return _outcome(self._v1.payment_intents.create(params, {"idempotency_key": reference}))  # type: ignore[arg-type]
        except stripe.StripeError as error:
            if stripe_client.is_frozen_failure(error):
                return self._search(reference)
            return stripe_client.of_error(error)

    def _search(self, reference: str) -> ChargeOutcome:
        """An intent by our reference, where its making ended in a fault at Stripe that it repeats for ever.

        The index follows within a minute or so, so that nothing found proves nothing.
        """
        query = f"metadata['topup_id']:'{reference}'"
        found = _asked(lambda: self._v1.payment_intents.search({"query": query, "limit": 1}).data)
        if isinstance(found, Declined | Unknown):
            return _unknown(found)
        return _outcome(found[0]) if found else Unknown(reason="fault_at_provider")


def _intent(reference: str, amount_minor: int, currency: str, payer: str | None) -> dict[str, Any] | None:
    if amount_minor <= 0:
        raise ValueError("a charge is of at least one minor unit")
    amount = to_stripe(amount_minor, currency)
    if amount is None:
        return None
    params = {"amount": amount, "currency": currency.lower(), "metadata": {"topup_id": reference}}
    return params | ({"customer": payer} if payer else {})


def _asked(ask: Callable[[], Made]) -> Made | Declined | Unknown:
    try:
        return ask()
    except stripe.StripeError as error:
        return stripe_client.of_error(error)


def _unknown(failed: Declined | Unknown) -> Unknown:
    return failed if isinstance(failed, Unknown) else Unknown(reason=failed.code)


def _outcome(intent: stripe.PaymentIntent) -> ChargeOutcome:
    match intent.status:
        case "succeeded":
            return Charged(provider_reference=intent.id)
        case "canceled":
            return Declined(code="canceled")
        case "requires_action" | "requires_confirmation" | "requires_payment_method":
            last = intent.last_payment_error
            decline = getattr(last, "decline_code", None) or getattr(last, "code", None)
            return ActionNeeded(intent.id, str(intent.client_secret), decline)
        case "processing":
            return Underway(provider_reference=intent.id)
        case other:
            return Unknown(reason=f"status_{other}")


def _method(told: stripe.PaymentMethod) -> Method:
    card = getattr(told, "card", None)
    return Method(
        id=told.id,
        kind=told.type,
        brand=card.brand if card else None,
        last4=card.last4 if card else None,
        expires=(card.exp_year, card.exp_month) if card else None,
    )
