"""Taking a reserved basket: just what was held is used, whatever has changed since; the rest is paid as always."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth.models import ACTIVE, Customer
from core import ids
from core.db import Connection
from core.errors import Refusal
from core.events import announce_all
from core.idempotency import KeyReused
from rewards.baskets import Basket, Line
from rewards.checkouts import paying
from rewards.checkouts import rows as checkout_rows
from rewards.checkouts.paying import Taken, facts_of, payment_of
from rewards.checkouts.requests import CheckoutRequest, Rest
from rewards.checkouts.rows import Checkout
from rewards.funds import Beaten, Funds, post_with
from rewards.redemption import recording, visits
from rewards.redemption.recording import Redemption
from rewards.reservations import ending, rows
from rewards.reservations.errors import ReservationOver
from rewards.reservations.rows import Reservation, ReservedUse
from wallet import accounts, holds, ledger, payments, standing
from wallet.errors import AccountFrozen, InsufficientFunds
from wallet.paying import preferences, reversals
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.paying.splits import Kind
from wallet.paying.tills import Till, told_to_tills


def take(
    session: Session,
    reservation_id: UUID,
    till: Till,
    *,
    till_reference: str,
    rest: Rest = "wallet",
    source_order: Sequence[Kind] | None = None,
    now: datetime,
) -> Checkout:
    """Take the basket of a reservation. No condition is asked again: what a till has promised its customer holds.

    raises   ReservationOver; VisitOver where another basket was taken by the same scan; InsufficientFunds when the
             wallet does not cover the rest; TillReferenceReused; PaymentReversed; LimitExceeded
    effects  as `checkouts.take`; announces reservation.ended
    """
    with told_to_tills():
        outcome = post_with(
            session,
            lambda connection, funds: _take(
                session, connection, funds, reservation_id, till, till_reference, rest, source_order, now=now
            ),
        )
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _take(
    session: Session,
    connection: Connection,
    funds: Funds,
    reservation_id: UUID,
    till: Till,
    till_reference: str,
    rest: Rest,
    source_order: Sequence[Kind] | None,
    *,
    now: datetime,
) -> Checkout | Refusal:
    # For the baskets that leave no key in the ledger; which those are is known only under the reservation's lock.
    checkout_rows.bar_reversals(connection, [(till.terminal_id, till_reference)])
    reserved = rows.lock(connection, reservation_id, till)
    kinds = source_order or preferences.of_customer(session, reserved.customer_id)
    request = _request(reserved, till_reference, rest, [kind for kind in kinds if kind != "gift_card"])
    earlier = _earlier(connection, request)
    if earlier is not None:
        return earlier
    if not reserved.is_open(now) or _is_suspended(session, reserved.customer_id):
        raise ReservationOver
    _refuse_frozen(connection, reserved)
    if reserved.visit_id is not None:
        visits.spend_reserved(connection, reserved.visit_id, now=now)
    if funds.are_read:
        funds.read(connection, [request.cash.id])
        accounts.open_all(connection, paying.accounts_of(request))
    try:
        taken = _taken(connection, funds, request, reserved, now=now)
    except InsufficientFunds as refusal:  # known, not raced for: no second try finds more
        return refusal
    _write(session, connection, taken, reserved, now=now)
    return taken.checkout


def _is_suspended(session: Session, customer_id: UUID) -> bool:
    """Who may not pay by a fresh code may not by a reservation either."""
    customer = session.get(Customer, customer_id)
    return customer is not None and customer.status != ACTIVE


def _refuse_frozen(connection: Connection, reserved: Reservation) -> None:
    """Nothing leaves a wallet that was frozen meanwhile, its gift cards included. raises  AccountFrozen"""
    cards = [use for use in reserved.uses if use.kind == "gift_card"]
    if standing.frozen_of(connection, {f"customer:{use.customer_id}" for use in cards if use.customer_id}):
        raise AccountFrozen


def _request(reserved: Reservation, till_reference: str, rest: Rest, kinds: Sequence[Kind]) -> CheckoutRequest:
    lines = [
        Line(sku, category, quantity, amount, unit=unit, coupon_minor=coupon, tax_minor=tax)
        for sku, category, quantity, unit, amount, coupon, tax, _ in reserved.lines
    ]
    return CheckoutRequest(
        customer_id=reserved.customer_id,
        till=reserved.till,
        basket=Basket(tuple(lines)),
        currency=reserved.currency,
        till_reference=till_reference,
        rest=rest,
        kinds=tuple(kinds),
        reservation_id=reserved.id,
    )


def _earlier(connection: Connection, request: CheckoutRequest) -> Checkout | None:
    """The basket that was taken under the till's reference before. raises  TillReferenceReused, PaymentReversed"""
    name = (request.till.terminal_id, request.till_reference)
    barred = reversals.refusals(connection, [name]).get(name)
    if isinstance(barred, PaymentReversed):
        raise barred
    before = checkout_rows.by_reference(connection, [name]).get(name)
    if before is not None:
        if before[1] != request.fingerprint:
            raise TillReferenceReused
        return replace(before[0], replayed=True)
    if barred is not None or checkout_rows.named_otherwise(connection, [name]):
        raise barred or TillReferenceReused()
    return None


def _taken(
    connection: Connection, funds: Funds, request: CheckoutRequest, reserved: Reservation, *, now: datetime
) -> Taken[ReservedUse]:
    """raises  InsufficientFunds"""
    drawn = paying.draw(connection, funds, request, reserved.rest_minor, at=now)
    at_till_minor = reserved.rest_minor if request.rest == "till" else 0
    checkout_id, total_minor = ids.new(), reserved.total_minor
    transfer_id = ids.new() if total_minor > at_till_minor else None
    checkout = Checkout(
        id=checkout_id,
        customer_id=reserved.customer_id,
        till=reserved.till,
        till_reference=request.till_reference,
        total_minor=total_minor,
        discount_minor=reserved.discount_minor,
        gift_minor=reserved.gift_minor,
        paid_minor=reserved.rest_minor - at_till_minor,
        at_till_minor=at_till_minor,
        currency=reserved.currency,
        transfer_id=transfer_id,
        completed_at=now,
        lines=reserved.lines,
        redemptions=tuple([_redemption(use, request, transfer_id, checkout_id, now) for use in reserved.uses]),
    )
    return Taken(request, checkout, reserved.uses, drawn)


def _redemption(
    use: ReservedUse,
    request: CheckoutRequest,
    transfer_id: UUID | None,
    checkout_id: UUID,
    now: datetime,
) -> Redemption:
    return Redemption(
        voucher_id=use.voucher_id,
        campaign_id=use.campaign_id,
        customer_id=use.customer_id,
        till=request.till,
        till_reference=request.till_reference,
        amount_minor=use.amount_minor,
        currency=use.currency,
        transfer_id=transfer_id,
        checkout_id=checkout_id,
        redeemed_at=now,
        lines=use.lines,
        counted=use.counted,
    )


def _write(
    session: Session, connection: Connection, taken: Taken[ReservedUse], reserved: Reservation, *, now: datetime
) -> None:
    checkout = taken.checkout
    checkout_rows.insert(connection, [(checkout, taken.request.fingerprint)])
    recording.insert_all(connection, checkout.redemptions)
    ended = rows.end(connection, [reserved], "taken", at=now, checkout_id=checkout.id)
    # In one posting: what is no longer held is paid before anybody else can have it.
    held = [reserved.hold_id] if reserved.hold_id is not None else []
    freed = holds.endings(session, held, principal=ending.PRINCIPAL, at=now)
    paid = [payments.transfer_of(payment_of(taken))] if checkout.transfer_id else []
    try:
        ledger.post_all(connection, [*freed, *paid])
    except (KeyReused, PaymentReversed) as error:  # the reference was used otherwise, or taken back, since it was read
        raise Beaten from error
    announce_all(session, [*(() if checkout.transfer_id else facts_of(taken)), ending.fact(ended[0])])
