"""What pays a checkout: its vouchers, then what the customer has in the wallet, or what the till collects itself."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from core.db import Connection
from core.events import Event
from core.money import POINTS
from rewards.checkouts.requests import CheckoutRequest
from rewards.checkouts.rows import Checkout
from rewards.events import OrderCompleted
from rewards.funds import Beaten, Funds
from rewards.redemption.deciding import LeftOut
from wallet import accounts
from wallet.accounts import Opening
from wallet.errors import InsufficientFunds
from wallet.ledger import Leg
from wallet.paying import mixed
from wallet.paying.mixed import LOYALTY, Drawn
from wallet.paying.splits import in_order
from wallet.paying.tills import principal_of
from wallet.payments import Payment


class Gives(Protocol):
    """A voucher's part in a basket."""

    @property
    def leg(self) -> Leg: ...
    @property
    def amount_minor(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def voucher_id(self) -> UUID: ...


Part_co = TypeVar("Part_co", bound=Gives, covariant=True)


@dataclass(frozen=True, slots=True)
class Taken(Generic[Part_co]):
    """A checkout that was decided, with what is to be written for it. drawn: what the wallet gives to the rest;
    left_out: of the vouchers shown."""

    request: CheckoutRequest
    checkout: Checkout
    uses: Sequence[Part_co]
    drawn: Drawn
    left_out: Sequence[LeftOut] = ()


def draw(connection: Connection, funds: Funds, request: CheckoutRequest, rest_minor: int, *, at: datetime) -> Drawn:
    """What the customer's wallet gives to the rest of a basket; nothing where the till collects it.

    raises  InsufficientFunds where it does not cover the rest; Beaten where another transaction was quicker
    """
    if request.rest == "till":
        return Drawn()
    if request.kinds == ("cash",) or not rest_minor:
        return _draw_cash(funds, request, rest_minor)
    sources = in_order(request.kinds)
    try:
        return mixed.draw(connection, request.customer_id, rest_minor, request.currency, sources, at=at)
    except mixed.NotCovered as error:
        raise InsufficientFunds from error
    except InsufficientFunds as error:  # there was enough when it was read
        raise Beaten from error


def accounts_of(request: CheckoutRequest) -> set[Opening]:
    """The accounts that a basket's payment needs, and that may not have been opened yet."""
    openings = {accounts.of_merchant(request.till.merchant_id, request.currency)}
    if "points" in request.kinds:
        openings |= {accounts.of_brand(LOYALTY, asset) for asset in (request.currency, POINTS)}
    return openings


def _draw_cash(funds: Funds, request: CheckoutRequest, rest_minor: int) -> Drawn:
    """As most baskets are paid, also many of them together: without a look at the wallet while funds suffice."""
    if not funds.has(request.cash.id, rest_minor):
        raise InsufficientFunds
    funds.take(request.cash.id, rest_minor)
    if not rest_minor:
        return Drawn()
    return Drawn(legs=[request.cash.leg(-rest_minor)], parts=[{"kind": "cash", "amount_minor": rest_minor}])


def payment_of(taken: Taken[Gives]) -> Payment:
    """The payment of a checkout in which value moves."""
    request, checkout = taken.request, taken.checkout
    assert checkout.transfer_id is not None
    return Payment(
        id=checkout.transfer_id,
        # By the till's own name for it, so that the till can look for it and take it back.
        principal=principal_of(request.till.terminal_id),
        key=request.till_reference,
        fingerprint=hashlib.sha256(checkout.id.bytes).digest(),
        customer_id=request.customer_id,
        merchant_id=request.till.merchant_id,
        store_id=request.till.store_id,
        terminal_id=request.till.terminal_id,
        reference=request.till_reference,
        amount_minor=checkout.total_minor - checkout.at_till_minor,
        currency=request.currency,
        sources=[*[use.leg for use in taken.uses if use.amount_minor], *taken.drawn.legs],
        lots=taken.drawn.lots,
        parts=_parts(taken),
        at=checkout.completed_at,
        more_events=facts_of(taken),
    )


def _parts(taken: Taken[Gives]) -> list[dict[str, Any]]:
    """What each source gave, as it is shown; nothing where cash paid all."""
    vouchers = [
        {"kind": use.kind, "amount_minor": use.amount_minor, "voucher_id": str(use.voucher_id)}
        for use in taken.uses
        if use.amount_minor
    ]
    parts = [*vouchers, *taken.drawn.parts]
    return [] if all(part["kind"] == "cash" for part in parts) else parts


def facts_of(taken: Taken[Gives]) -> list[Event]:
    """What a checkout announces beside its payment."""
    checkout = taken.checkout
    order = OrderCompleted(
        customer_id=checkout.customer_id,
        occurred_at=checkout.completed_at,
        order_id=checkout.id,
        checkout_id=checkout.id,
        merchant_id=checkout.till.merchant_id,
        store_id=checkout.till.store_id,
        total_minor=checkout.total_minor,
        discount_minor=checkout.discount_minor,
        gift_minor=checkout.gift_minor,
        paid_minor=checkout.paid_minor,
        at_till_minor=checkout.at_till_minor,
        currency=checkout.currency,
        lines=taken.request.basket.lines,
    )
    return [*[redemption.fact for redemption in checkout.redemptions], order]
