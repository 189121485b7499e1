"""What a till holds for a basket before it takes it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core import clock
from core.db import connection_of, transaction
from core.web import idempotent, unproxied
from rewards import refusals
from rewards.api import shapes, shoppers
from rewards.checkouts import CheckoutRequest
from rewards.redemption import guesses
from rewards.redemption.evidence import BEST
from rewards.redemption.guesses import Guesser
from rewards.reservations import ending, placing, rows
from rewards.reservations.api.schemas import ReservationArgsSchema, ReservationSchema
from rewards.reservations.placing import Asked
from rewards.reservations.rows import Reservation
from rewards.tills.api.signing import signed
from wallet.api.guards import refuse_when_off
from wallet.paying.api.shapes import till as asking_till

blueprint = Blueprint("reservations_merchant", __name__, description="Vouchers held for a basket")


@blueprint.post("/reservations")
@blueprint.arguments(ReservationArgsSchema())
@blueprint.response(201, ReservationSchema())
@idempotent.documented
@signed
def create_reservation(args: dict[str, Any]) -> Response:
    """Hold the vouchers of a basket, their uses and their value, so that no other till takes them meanwhile."""
    refuse_when_off()
    till, now = asking_till(args["currency"]), clock.now()
    basket, vouchers = shapes.basket(args["basket"]), shapes.references(args)
    guesser = Guesser(terminal_id=till.terminal_id, address=unproxied.request().remote_addr)

    def work(session: Session) -> dict[str, Any]:
        nonlocal guesser
        customer_id = shoppers.reserving(session, args, till, now=now)
        guesser = replace(guesser, customer_id=customer_id)
        if vouchers and vouchers != BEST:
            guesses.refuse_when_locked(connection_of(session), guesser, now=now)
        request = CheckoutRequest(
            customer_id=customer_id,
            till=till,
            basket=basket,
            currency=args["currency"],
            till_reference=args["till_reference"],
            vouchers=vouchers,
            takes_part=args["apply"] == "part",
        )
        lasts = timedelta(seconds=args["expires_in_seconds"])
        asked = Asked(basket=request, lasts=lasts, visit_id=args["visit_id"])
        return _shown(placing.place(session, asked, now=now), now=now)

    return idempotent.command(
        work,
        schema=ReservationSchema(),
        beside=lambda session, refused: refusals.note_shown(session, guesser, refused, now=now),
    )


@blueprint.get("/reservations/<uuid:reservation_id>")
@blueprint.response(200, ReservationSchema())
def show_reservation(reservation_id: UUID) -> dict[str, Any]:
    """A reservation of this terminal's, and what became of it."""
    with transaction() as session:
        return _shown(rows.find(connection_of(session), reservation_id, asking_till()), now=clock.now())


@blueprint.put("/reservations/<uuid:reservation_id>/release")
@blueprint.response(200, ReservationSchema())
@signed
def put_release(reservation_id: UUID) -> dict[str, Any]:
    """Let go of what is held: the basket is not taken, or changed. Repeat until heard."""
    refuse_when_off()
    now = clock.now()
    with transaction() as session:
        return _shown(ending.release(session, reservation_id, asking_till(), now=now), now=now)


def _shown(kept: Reservation, *, now: datetime) -> dict[str, Any]:
    def money(amount_minor: int) -> dict[str, Any]:
        return {"amount_minor": amount_minor, "currency": kept.currency}

    return {
        "id": kept.id,
        "state": "expired" if kept.state == "open" and not kept.is_open(now) else kept.state,
        "total": money(kept.total_minor),
        "discount": money(kept.discount_minor),
        "gift": money(kept.gift_minor),
        "rest": money(kept.rest_minor),
        "vouchers": [
            {
                "voucher_id": use.voucher_id,
                "campaign_id": use.campaign_id,
                "amount": money(use.amount_minor),
                "lines": use.lines,
            }
            for use in kept.uses
        ],
        "left_out": [{"voucher": place, "code": code} for place, code in kept.left_out],
        "till_reference": kept.till_reference,
        "checkout_id": kept.checkout_id,
        "reserved_at": kept.reserved_at,
        "reserved_until": kept.reserved_until,
        "ended_at": kept.ended_at,
    }
