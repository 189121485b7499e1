"""Money from outside: charging a customer's card or bank for a top-up, and what becomes of the charge later.

The provider's names: a *payer* is what it calls one of our customers, a *method* one of their saved cards. Amounts are
minor units as we count them (ISO 4217), whatever the provider counts in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from core.gateways.outcomes import Unknown


@dataclass(frozen=True, slots=True)
class Charged:
    """The provider holds the money. provider_reference is its name for the charge, the same on every replay."""

    provider_reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """No money moved, and none will for this reference."""

    code: str


@dataclass(frozen=True, slots=True)
class ActionNeeded:
    """The customer has to do something in the app first: choose a card, or prove to the bank who they are.

    client_secret  what the provider's SDK in the app goes on with; never kept, never logged
    last_decline   why the last try failed, where there was one: the customer may try another card
    """

    provider_reference: str
    client_secret: str
    last_decline: str | None = None


@dataclass(frozen=True, slots=True)
class Underway:
    """The provider is still collecting (a bank debit takes days): ask after it, or wait to be told."""

    provider_reference: str


ChargeOutcome = Charged | Declined | ActionNeeded | Underway | Unknown


@dataclass(frozen=True, slots=True)
class SheetKeys:
    """What the provider's payment sheet in an app needs beside a client secret.

    ephemeral_key  lets the app see this payer's saved methods, for an hour or less
    """

    publishable_key: str
    ephemeral_key: str
    payer: str


@dataclass(frozen=True, slots=True)
class Method:
    """A saved way to pay. brand: "visa"; expires: (year, month), where it does."""

    id: str
    kind: str
    brand: str | None
    last4: str | None
    expires: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Refunded:
    """The provider gives the money back; provider_reference is its name for the refund."""

    provider_reference: str


RefundOutcome = Refunded | Declined | Unknown


@dataclass(frozen=True, slots=True)
class Notice:
    """What the provider tells unasked, as far as we act on it. It may come twice, late and in any order.

    id                  the provider's own, the same whenever this is told again
    kind                "other" is nothing to us, and has no id
    reference           ours, where the provider has it
    provider_reference  of the charge
    amount_minor        charged; refunded altogether so far; of the one refund that failed; in dispute
    refund              our reference of the refund that failed, where we asked for it
    dispute, standing   the provider's name for a dispute, and how it stands (an inquiry takes no money yet)
    told_at_seconds     when it was so, by the provider's clock (seconds since 1970); 0 where it does not say
    """

    id: str
    kind: Literal["charged", "declined", "canceled", "action_needed", "refunded", "refund_failed", "disputed", "other"]
    reference: str | None = None
    provider_reference: str | None = None
    amount_minor: int = 0
    currency: str = ""
    code: str | None = None
    refund: str | None = None
    dispute: str | None = None
    standing: Literal["inquiry", "open", "lost", "won"] | None = None
    told_at_seconds: int = 0


class PaymentGateway(Protocol):
    """Charges a source; never raises for what the provider or the network does."""

    @property
    def name(self) -> str: ...

    @property
    def publishable_key(self) -> str:
        """What an app's SDK introduces itself with; no secret."""
        ...

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
        """Take the amount from the source, once for each reference.

        The same reference asked again has the same answer and takes nothing more, so an Unknown is settled by asking
        again with the same reference. (An ActionNeeded is told again as it was: `look_up` says how it stands.)

        payer           whose saved method the source is; None for a token
        is_off_session  nobody is there to prove anything: what needs it is declined
        """
        ...

    def prepare(self, *, reference: str, amount_minor: int, currency: str, payer: str) -> ChargeOutcome:
        """Make a charge that the customer completes in the app's payment sheet: ActionNeeded, once a reference."""
        ...

    def sheet_keys(self, *, payer: str) -> SheetKeys | Unknown: ...

    def look_up(self, provider_reference: str) -> ChargeOutcome:
        """How a charge stands now."""
        ...

    def cancel(self, provider_reference: str) -> ChargeOutcome:
        """Call off what the customer never completed: Declined, or Charged where they did meanwhile."""
        ...

    def refund(self, *, reference: str, provider_reference: str, amount_minor: int, currency: str) -> RefundOutcome:
        """Give back a part of a charge, once for each reference."""
        ...

    def open_payer(self, *, reference: str) -> str | Unknown:
        """The provider's name for a customer of ours, told nothing but our pseudonymous id."""
        ...

    def methods(self, *, payer: str) -> Sequence[Method] | Unknown: ...

    def detach(self, *, payer: str, method: str) -> bool | Unknown:
        """Forget a saved method; False where this payer has no such one."""
        ...

    def notice(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> Notice:
        """What a call-back tells, once its signature over the raw body is proven.

        raises  core.gateways.signatures.Forged
        """
        ...
