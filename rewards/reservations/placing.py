"""Placing: the vouchers of a basket are decided as a checkout would, and held for it until a moment."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection
from core.events import announce
from core.idempotency import KeyReused
from rewards import refusals
from rewards.checkouts import rows as checkout_rows
from rewards.checkouts.requests import CheckoutRequest
from rewards.checkouts.taking import kept_lines, shown_of
from rewards.funds import Beaten, Funds, post_with
from rewards.redemption import deciding, evidence, recording
from rewards.redemption.deciding import LeftOut, Use
from rewards.redemption.evidence import user_of
from rewards.reservations import rows
from rewards.reservations.events import ReservationPlaced
from rewards.reservations.rows import Reservation, ReservedUse
from wallet import holds, keys, ledger
from wallet.holds import Placing
from wallet.paying import reversals
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.transfers import Transfer

#: Long enough to pack and to pay; then others get what is not taken.
LASTS = timedelta(minutes=15)
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=1)

#: The wallet's own hold ends so much later: until then we end it together with what it was for.
_HOLD_AFTER = timedelta(hours=1)

#: Of the wallet's hold: brands' budgets are in it, so customers do not see it among theirs.
KIND = holds.RESERVATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a till wants held: a basket with its vouchers, in the visit by which its customer is known if in one."""

    basket: CheckoutRequest
    lasts: timedelta = LASTS
    visit_id: UUID | None = None

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha256(b"reservation" + self.basket.fingerprint).digest()


def place(session: Session, asked: Asked, *, now: datetime) -> Reservation:
    """Hold uses, budgets and gift cards' value for a basket, each till's reference once.

    raises   each refusal of `deciding.decide`; TillReferenceReused; PaymentReversed after the till took it back
    effects  counts the vouchers as used, and holds their value; announces reservation.placed
    """
    return post_with(session, lambda connection, funds: _place(session, connection, funds, asked, now=now))


def _place(session: Session, connection: Connection, funds: Funds, asked: Asked, *, now: datetime) -> Reservation:
    request = asked.basket
    name = (request.till.terminal_id, request.till_reference)
    checkout_rows.bar_reversals(connection, [name])
    shown = shown_of(request, at=now)
    known = evidence.gather(connection, funds, [shown])
    earlier = _earlier(connection, asked, name)
    if earlier is not None:
        return earlier

    left_out: list[LeftOut] = []
    uses = deciding.decide(known, shown, left_out=left_out)
    refusals.keep_all(connection, [each.missed for each in left_out if each.missed], now=now)
    made = _reservation(asked, uses, left_out, now=now)
    recording.count_all(connection, uses)
    rows.insert(connection, made)
    if made.hold_id is not None:
        _hold(session, made, asked, now=now)
    else:
        _keep_name(connection, made)
    announce(session, _fact(made))
    return made


def _earlier(connection: Connection, asked: Asked, name: tuple[UUID, str]) -> Reservation | None:
    """What stands under the reference. raises  TillReferenceReused, PaymentReversed"""
    barred = reversals.refusals(connection, [name]).get(name)
    if isinstance(barred, PaymentReversed):
        raise barred
    earlier = rows.by_reference(connection, *name, locks=False)
    if earlier is not None:
        if earlier.state == "reversed":
            raise PaymentReversed
        if earlier.fingerprint != asked.fingerprint:
            raise TillReferenceReused
        return replace(earlier, replayed=True)
    named = checkout_rows.by_reference(connection, [name]) or checkout_rows.named_otherwise(connection, [name])
    if barred is not None or named:
        raise barred or TillReferenceReused()
    return None


def _reservation(asked: Asked, uses: list[Use], left_out: Sequence[LeftOut], *, now: datetime) -> Reservation:
    request = asked.basket
    reserved = tuple([_reserved(use, request.customer_id) for use in uses])
    gift_minor = sum([use.amount_minor for use in reserved if use.kind == "gift_card"])
    given_minor = sum([use.amount_minor for use in reserved])
    return Reservation(
        id=ids.new(),
        customer_id=request.customer_id,
        till=request.till,
        till_reference=request.till_reference,
        fingerprint=asked.fingerprint,
        visit_id=asked.visit_id,
        total_minor=request.basket.total_minor,
        discount_minor=given_minor - gift_minor,
        gift_minor=gift_minor,
        currency=request.currency,
        lines=kept_lines(request.basket, uses),
        hold_id=ids.new() if given_minor else None,
        reserved_at=now,
        reserved_until=now + asked.lasts,
        left_out=tuple([(each.place, each.code) for each in left_out]),
        uses=reserved,
    )


def _reserved(use: Use, customer_id: UUID) -> ReservedUse:
    return ReservedUse(
        voucher_id=use.voucher.id,
        campaign_id=use.voucher.terms.campaign_id,
        customer_id=user_of(use.voucher, customer_id),
        kind=use.voucher.terms.kind,
        amount_minor=use.amount_minor,
        currency=use.voucher.terms.currency,
        lines=use.lines,
        counted=tuple([(*each.counted[1:], each.add) for each in use.counted]),
    )


def _hold(session: Session, made: Reservation, asked: Asked, *, now: datetime) -> None:
    """raises  Beaten where another took the till's reference meanwhile"""
    assert made.hold_id is not None
    try:
        holds.place(
            session,
            Placing(
                id=made.hold_id,
                principal=made.till.principal,
                key=made.till_reference,
                fingerprint=made.fingerprint,
                kind=KIND,
                customer_id=made.customer_id,
                sources=rows.sources_of(made.uses),
                currency=made.currency,
                expires_at=made.reserved_until + _HOLD_AFTER,
                at=now,
                details={"reservation_id": str(made.id), "merchant_id": str(made.till.merchant_id)},
            ),
        )
    except (KeyReused, PaymentReversed) as error:
        raise Beaten from error


def _keep_name(connection: Connection, made: Reservation) -> None:
    """Where there is no hold, let the till's reference stand in the ledger all the same: there all others look for it.

    raises  Beaten where another took it meanwhile
    """
    keeper = Transfer(
        id=ids.new(),
        principal=made.till.principal,
        key=made.till_reference,
        fingerprint=made.fingerprint,
        kind=keys.KIND,
        legs=(),
        effective_at=made.reserved_at,
    )
    if not ledger.decline(connection, keeper, TillReferenceReused()):
        raise Beaten


def _fact(made: Reservation) -> ReservationPlaced:
    return ReservationPlaced(
        customer_id=made.customer_id,
        occurred_at=made.reserved_at,
        reservation_id=made.id,
        merchant_id=made.till.merchant_id,
        store_id=made.till.store_id,
        terminal_id=made.till.terminal_id,
        voucher_ids=tuple([use.voucher_id for use in made.uses]),
        reserved_until=made.reserved_until,
    )
