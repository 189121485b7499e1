"""Checkouts: one scan takes a customer's coupons, gift cards and the payment for the rest, all or nothing."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection
from core.errors import Refusal
from core.events import Event, announce_all
from core.idempotency import KeyReused
from rewards import checkout_rows, evidence, rules, tills
from rewards.baskets import Basket
from rewards.checkout_rows import Checkout
from rewards.events import OrderCompleted
from rewards.evidence import Evidence, Reference, Shown
from rewards.funds import Beaten, Funds, post_with
from rewards.rules import Use
from rewards.tills import Till
from wallet import accounts, ledger, payments
from wallet.errors import InsufficientFunds
from wallet.ledger import Leg
from wallet.paying import reversals
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.paying.tills import principal_of
from wallet.payments import Payment

__all__ = ["Checkout", "CheckoutRequest", "take", "take_all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """A basket to be taken.

    vouchers        ids or codes, coupons applied in this order; BEST ("best") for all of the customer's that apply
    till_reference  the till's own number of this basket; the same request under it again gets the same answer
    at              business time; None is the `now` of the call
    """

    customer_id: UUID
    till: Till
    basket: Basket
    currency: str
    till_reference: str
    vouchers: tuple[Reference, ...] | Literal["best"] = ()
    at: datetime | None = None

    @property
    def fingerprint(self) -> bytes:
        lines = [
            [line.sku, line.category, line.quantity, line.unit, line.amount_minor, line.coupon_minor, line.tax_minor]
            for line in self.basket.lines
        ]
        asked = [str(self.customer_id), self.currency, lines, [str(reference) for reference in self.vouchers]]
        return hashlib.sha256(json.dumps(asked).encode()).digest()


@dataclass(frozen=True, slots=True)
class _Taken:
    """A checkout that was decided, with what is to be written for it."""

    request: CheckoutRequest
    checkout: Checkout
    uses: Sequence[Use]


def take(session: Session, request: CheckoutRequest, *, now: datetime) -> Checkout:
    """`take_all` of one.

    raises  its refusal
    """
    outcome = take_all(session, [request], now=now)[0]
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def take_all(session: Session, requests: Sequence[CheckoutRequest], *, now: datetime) -> list[Checkout | Refusal]:
    """Take each basket whole or refuse it whole, in order, in a handful of statements and one posting for all.

    refusals  those of `rules.decide`; InsufficientFunds when the wallet does not cover the rest; TillReferenceReused;
              PaymentReversed after the till took it back
    effects   announces voucher.redeemed, order.completed and payment.completed (a basket of nothing: only the order)
    """
    if not requests:
        return []
    return post_with(session, lambda connection, funds: _take_all(session, connection, funds, requests, now=now))


def _take_all(
    session: Session, connection: Connection, funds: Funds, requests: Sequence[CheckoutRequest], *, now: datetime
) -> list[Checkout | Refusal]:
    shown = [Shown(request.vouchers, request.customer_id, request.basket) for request in requests]
    known = evidence.gather(connection, funds, shown)
    # Read under the vouchers' locks, so that who waited there for a twin finds what the twin took; in this order, so
    # that whose payment is seen is seen as a checkout, too.
    names = [(r.till.terminal_id, r.till_reference) for r in requests]
    barred = reversals.refusals(connection, names)
    earlier = checkout_rows.by_reference(connection, names)
    if funds.are_read:
        funds.read(connection, [_cash(request) for request in requests])
        accounts.open_all(connection, {accounts.of_merchant(r.till.merchant_id, r.currency) for r in requests})
    taken: dict[tuple[UUID, str], _Taken] = {}

    outcomes = [
        _outcome(known, request, each, earlier, barred, taken, now=now)
        for request, each in zip(requests, shown, strict=True)
    ]

    fresh = list(taken.values())
    checkout_rows.insert(connection, [(each.checkout, each.request.fingerprint) for each in fresh])
    tills.record_all(
        connection,
        [pair for each in fresh for pair in zip(each.uses, each.checkout.redemptions, strict=True)],
    )
    paid = [payments.transfer_of(_payment(each)) for each in fresh if each.checkout.transfer_id]
    try:
        ledger.post_all(connection, paid)
    except (KeyReused, PaymentReversed) as error:  # a reference was used otherwise, or taken back, since it was read
        raise Beaten from error
    announce_all(session, [fact for each in fresh if not each.checkout.transfer_id for fact in _facts(each)])
    return outcomes


def _outcome(
    known: Evidence,
    request: CheckoutRequest,
    shown: Shown,
    earlier: dict[tuple[UUID, str], tuple[Checkout, bytes]],
    barred: dict[tuple[UUID, str], Refusal],
    taken: dict[tuple[UUID, str], _Taken],
    *,
    now: datetime,
) -> Checkout | Refusal:
    """What becomes of one basket; a fresh one joins those taken."""
    name = (request.till.terminal_id, request.till_reference)
    before = earlier.get(name)
    if isinstance(barred.get(name), PaymentReversed):
        return barred[name]
    if name in taken:
        before = (taken[name].checkout, taken[name].request.fingerprint)
    if before is not None:
        return replace(before[0], replayed=True) if before[1] == request.fingerprint else TillReferenceReused()
    if name in barred:
        return barred[name]

    at = request.at or now
    try:
        uses = rules.decide(known, shown, currency=request.currency, at=at)
    except Refusal as refusal:
        return refusal
    cash_minor = request.basket.total_minor - sum([use.amount_minor for use in uses])
    if not known.funds.has(_cash(request), cash_minor):
        rules.give_back(known, uses)
        return InsufficientFunds()
    known.funds.take(_cash(request), cash_minor)
    taken[name] = _Taken(request, _checkout(request, uses, cash_minor, at=at), uses)
    return taken[name].checkout


def _cash(request: CheckoutRequest) -> UUID:
    return accounts.of_customer(request.customer_id, request.currency).id


def _checkout(request: CheckoutRequest, uses: Sequence[Use], cash_minor: int, *, at: datetime) -> Checkout:
    checkout_id = ids.new()
    total_minor = request.basket.total_minor
    transfer_id = ids.new() if total_minor else None
    gift_minor = sum([use.amount_minor for use in uses if use.voucher.terms.is_gift_card])
    redemptions = [
        tills.redemption_of(
            use,
            till=request.till,
            till_reference=request.till_reference,
            customer_id=request.customer_id,
            transfer_id=transfer_id,
            checkout_id=checkout_id,
            at=at,
        )
        for use in uses
    ]
    return Checkout(
        id=checkout_id,
        customer_id=request.customer_id,
        till=request.till,
        till_reference=request.till_reference,
        total_minor=total_minor,
        discount_minor=total_minor - gift_minor - cash_minor,
        gift_minor=gift_minor,
        paid_minor=cash_minor,
        currency=request.currency,
        transfer_id=transfer_id,
        completed_at=at,
        redemptions=tuple(redemptions),
    )


def _payment(taken: _Taken) -> Payment:
    request, checkout = taken.request, taken.checkout
    assert checkout.transfer_id is not None
    sources = [use.leg for use in taken.uses if use.amount_minor]
    if checkout.paid_minor:
        sources.append(Leg(_cash(request), -checkout.paid_minor))
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
        amount_minor=checkout.total_minor,
        currency=request.currency,
        sources=sources,
        parts=_parts(taken),
        at=checkout.completed_at,
        more_events=_facts(taken),
    )


def _parts(taken: _Taken) -> list[dict[str, object]]:
    """What each source gave, as it is shown; none where cash paid all."""
    parts: list[dict[str, object]] = [
        {
            "kind": use.voucher.terms.kind,
            "amount_minor": use.amount_minor,
            "voucher_id": str(use.voucher.id),
        }
        for use in taken.uses
        if use.amount_minor
    ]
    if parts and taken.checkout.paid_minor:
        parts.append({"kind": "cash", "amount_minor": taken.checkout.paid_minor})
    return parts


def _facts(taken: _Taken) -> list[Event]:
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
        currency=checkout.currency,
        lines=taken.request.basket.lines,
    )
    return [*[redemption.fact for redemption in checkout.redemptions], order]
