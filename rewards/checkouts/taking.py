"""Checkouts: one scan takes a customer's coupons, gift cards and the payment for the rest, all or nothing."""

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection
from core.errors import Refusal
from core.events import announce_all
from core.idempotency import KeyReused
from rewards import refusals
from rewards.baskets import Basket
from rewards.checkouts import paying, rows
from rewards.checkouts.paying import Taken, facts_of, payment_of
from rewards.checkouts.requests import CheckoutRequest
from rewards.checkouts.rows import Checkout
from rewards.funds import Beaten, Funds, post_with
from rewards.redemption import deciding, evidence, recording
from rewards.redemption.deciding import LeftOut, Use
from rewards.redemption.evidence import Evidence, Shown
from wallet import accounts, ledger, payments
from wallet.errors import InsufficientFunds
from wallet.paying import reversals
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.paying.tills import told_to_tills

__all__ = ["Checkout", "CheckoutRequest", "take", "take_all"]


def take(session: Session, request: CheckoutRequest, *, now: datetime) -> Checkout:
    """`take_all` of one.

    raises  its refusal; LimitExceeded, without what the customer has left of the limit
    """
    with told_to_tills():
        outcome = take_all(session, [request], now=now)[0]
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def take_all(session: Session, requests: Sequence[CheckoutRequest], *, now: datetime) -> list[Checkout | Refusal]:
    """Take each basket whole or refuse it whole, in order, in a handful of statements and one posting for all.

    refusals  those of `deciding.decide`; InsufficientFunds when the wallet does not cover the rest;
              TillReferenceReused; PaymentReversed after the till took it back
    raises    LimitExceeded, AccountFrozen and AccountClosed for all of them, where one customer's wallet may not pay
    effects   announces voucher.redeemed, order.completed and payment.completed (not where no value moves)
    """
    if not requests:
        return []
    return post_with(session, lambda connection, funds: _take_all(session, connection, funds, requests, now=now))


def _take_all(
    session: Session, connection: Connection, funds: Funds, requests: Sequence[CheckoutRequest], *, now: datetime
) -> list[Checkout | Refusal]:
    shown = [shown_of(request, at=request.at or now) for request in requests]
    keyless = [each for each in requests if not each.basket.total_minor or each.rest == "till"]
    rows.bar_reversals(connection, [(each.till.terminal_id, each.till_reference) for each in keyless])
    known = evidence.gather(connection, funds, shown)
    # Read under the vouchers' locks, so that who waited there for a twin finds what the twin took; in this order, so
    # that whose payment is seen is seen as a checkout, too.
    names = [(r.till.terminal_id, r.till_reference) for r in requests]
    barred: dict[tuple[UUID, str], Refusal] = {
        name: TillReferenceReused() for name in rows.named_otherwise(connection, names)
    }
    barred |= reversals.refusals(connection, names)
    earlier = rows.by_reference(connection, names)
    if funds.are_read:
        funds.read(connection, [request.cash.id for request in requests])
        accounts.open_all(connection, set().union(*[paying.accounts_of(each) for each in requests]))
    taken: dict[tuple[UUID, str], Taken[Use]] = {}

    outcomes = [
        _outcome(connection, known, request, each, earlier, barred, taken)
        for request, each in zip(requests, shown, strict=True)
    ]

    fresh = list(taken.values())
    rows.insert(connection, [(each.checkout, each.request.fingerprint) for each in fresh])
    recording.record_all(
        connection,
        [pair for each in fresh for pair in zip(each.uses, each.checkout.redemptions, strict=True)],
    )
    paid = [payments.transfer_of(payment_of(each)) for each in fresh if each.checkout.transfer_id]
    try:
        ledger.post_all(connection, paid)
    except (KeyReused, PaymentReversed) as error:  # a reference was used otherwise, or taken back, since it was read
        raise Beaten from error
    missed = [out.missed for each in fresh for out in each.left_out if out.missed]
    refusals.keep_all(connection, missed, now=now)
    announce_all(session, [fact for each in fresh if not each.checkout.transfer_id for fact in facts_of(each)])
    return outcomes


def _outcome(
    connection: Connection,
    known: Evidence,
    request: CheckoutRequest,
    shown: Shown,
    earlier: dict[tuple[UUID, str], tuple[Checkout, bytes]],
    barred: dict[tuple[UUID, str], Refusal],
    taken: dict[tuple[UUID, str], Taken[Use]],
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

    left_out: list[LeftOut] = []
    try:
        uses = deciding.decide(known, shown, left_out=left_out)
    except Refusal as refusal:
        return refusal
    rest_minor = request.basket.total_minor - sum([use.amount_minor for use in uses])
    try:
        drawn = paying.draw(connection, known.funds, request, rest_minor, at=shown.at)
    except InsufficientFunds as refusal:
        deciding.give_back(known, uses)
        return refusal
    checkout = replace(
        _checkout(request, uses, rest_minor, at=shown.at),
        left_out=tuple([(each.place, each.code) for each in left_out]),
    )
    taken[name] = Taken(request, checkout, uses, drawn, left_out)
    return taken[name].checkout


def shown_of(request: CheckoutRequest, *, at: datetime) -> Shown:
    """The vouchers of a basket, to be decided."""
    return Shown(
        request.vouchers,
        request.customer_id,
        request.basket,
        request.till,
        request.currency,
        at,
        takes_part=request.takes_part,
    )


def _checkout(request: CheckoutRequest, uses: Sequence[Use], rest_minor: int, *, at: datetime) -> Checkout:
    checkout_id = ids.new()
    total_minor = request.basket.total_minor
    at_till_minor = rest_minor if request.rest == "till" else 0
    transfer_id = ids.new() if total_minor > at_till_minor else None
    gift_minor = sum([use.amount_minor for use in uses if use.voucher.terms.is_gift_card])
    redemptions = [
        recording.redemption_of(
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
        discount_minor=total_minor - gift_minor - rest_minor,
        gift_minor=gift_minor,
        paid_minor=rest_minor - at_till_minor,
        at_till_minor=at_till_minor,
        currency=request.currency,
        transfer_id=transfer_id,
        completed_at=at,
        lines=kept_lines(request.basket, uses),
        redemptions=tuple(redemptions),
    )


def kept_lines(basket: Basket, uses: Sequence[Use]) -> tuple[tuple[Any, ...], ...]:
    """The lines as they are kept, each with what coupons took off it."""
    off = Tally(dict.fromkeys(range(len(basket.lines)), 0))
    for use in uses:
        for at, amount in use.lines:
            off[at] += amount
    return tuple(
        [
            (
                line.sku, line.category, line.quantity, line.unit, line.amount_minor, line.coupon_minor, line.tax_minor,
                off[at],
            )
            for at, line in enumerate(basket.lines)
        ]
    )  # fmt: skip
