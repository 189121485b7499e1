"""Money from outside: charging a customer's card or bank for a top-up."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from core.gateways.outcomes import Unknown


@dataclass(frozen=True, slots=True)
class Charged:
    """The provider holds the money. provider_reference is its name for the charge, the same on every replay."""

    provider_reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """No money moved, and none will for this reference."""

    code: str


ChargeOutcome = Charged | Declined | Unknown


class PaymentGateway(Protocol):
    """Charges a source; never raises for what the provider or the network does."""

    @property
    def name(self) -> str: ...

    def charge(self, *, reference: str, amount_minor: int, currency: str, source: str) -> ChargeOutcome:
        """Take the amount from the source, once for each reference.

        The same reference asked again has the same answer and takes nothing more, so an Unknown is settled by asking
        again with the same reference.
        """
        ...


class SandboxPayments:
    """Test sources, as card providers offer them. The answer hangs on the source alone, so it needs no memory.

    sandbox_ok            charged
    sandbox_declined      declined: card_declined
    sandbox_insufficient  declined: insufficient_funds
    sandbox_timeout       unknown, however often it is asked
    anything else         declined: unknown_source
    """

    name = "sandbox"

    _DECLINES = {"sandbox_declined": "card_declined", "sandbox_insufficient": "insufficient_funds"}

    def charge(self, *, reference: str, amount_minor: int, currency: str, source: str) -> ChargeOutcome:
        if amount_minor <= 0:
            raise ValueError("a charge is of at least one minor unit")

        if source == "sandbox_ok":
            name = hashlib.sha256(f"{reference}|{amount_minor}|{currency}".encode()).hexdigest()[:24]
            return Charged(provider_reference=f"sandbox_{name}")
        if source == "sandbox_timeout":
            return Unknown(reason="timeout")
        return Declined(code=self._DECLINES.get(source, "unknown_source"))
