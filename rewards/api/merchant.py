"""What a till does: redeem a voucher, take a basket."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from core import clock
from core.db import Connection, connection_of, statement
from core.errors import Refusal
from core.idempotency import Answer
from core.web import idempotent, unproxied
from rewards import checkouts, refusals
from rewards.api import shapes, shoppers
from rewards.api.schemas import CheckoutArgsSchema, CheckoutSchema, RedemptionArgsSchema, RedemptionSchema
from rewards.checkouts import CheckoutRequest
from rewards.redemption import guesses, lookup, redeeming
from rewards.redemption.errors import VisitOver
from rewards.redemption.evidence import BEST
from rewards.redemption.guesses import Guesser
from rewards.redemption.redeeming import Request
from rewards.reservations import taking
from rewards.tills.api.signing import signed
from wallet.api.guards import refuse_when_off
from wallet.api.shapes import replay_header
from wallet.paying import preferences
from wallet.paying.api import shapes as paying_shapes

blueprint = Blueprint("rewards_merchant", __name__, description="Vouchers and baskets at the till")


@blueprint.post("/redemptions")
@blueprint.arguments(RedemptionArgsSchema())
@blueprint.response(201, RedemptionSchema())
@idempotent.documented
@signed
def create_redemption(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]] | Response:
    """Redeem one voucher by itself: the till collects the rest."""
    refuse_when_off()
    request = Request(
        till=paying_shapes.till(args["currency"]),
        reference=args.get("voucher_id") or args["code"],
        basket=shapes.basket(args["basket"]),
        currency=args["currency"],
        till_reference=args["till_reference"],
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        address=unproxied.request().remote_addr,
    )
    now = clock.now()
    try:
        with statement() as connection:
            if args["visit_id"] is not None:
                request = replace(request, customer_id=_visitor(connection, args, request, now=now))
            made = redeeming.redeem(connection, request, at=now)
    except Refusal as refusal:
        if not refusal.is_final:
            raise
        guesser = request.guesser
        return idempotent.freeze(
            refusal, beside=lambda session, refused: refusals.note_shown(session, guesser, refused, now=now)
        )
    if isinstance(made, Answer):
        return idempotent.replayed(made)
    return shapes.redemption(made), replay_header(made.replayed)


def _visitor(connection: Connection, args: dict[str, Any], request: Request, *, now: datetime) -> UUID | None:
    """Whose visit it is; of a request that was carried out before it does not matter whether the visit is over.

    raises  VisitOver
    """
    try:
        return shoppers.asking(connection, args, request.till, now=now)
    except VisitOver:
        if lookup.stands(connection, request.till, request.till_reference, request.key):
            return None
        raise


@blueprint.post("/checkouts")
@blueprint.arguments(CheckoutArgsSchema())
@blueprint.response(201, CheckoutSchema())
@signed
def create_checkout(args: dict[str, Any]) -> Response:
    """Take a basket with one scan: coupons, gift cards and the payment for the rest. Needs an Idempotency-Key."""
    refuse_when_off()
    if args["reservation_id"] is not None:
        return _take_reserved(args)
    till, basket, vouchers, now = (
        paying_shapes.till(args["currency"]),
        shapes.basket(args["basket"]),
        shapes.references(args),
        clock.now(),
    )
    guesser = Guesser(terminal_id=till.terminal_id, address=unproxied.request().remote_addr)

    def work(session: Session) -> dict[str, Any]:
        nonlocal guesser
        customer_id = shoppers.paying(session, args, till, now=now)
        guesser = replace(guesser, customer_id=customer_id)
        if vouchers and vouchers != BEST:
            guesses.refuse_when_locked(connection_of(session), guesser, now=now)
        kinds = args["source_order"] or preferences.of_customer(session, customer_id)
        request = CheckoutRequest(
            customer_id=customer_id,
            till=till,
            basket=basket,
            currency=args["currency"],
            till_reference=args["till_reference"],
            vouchers=vouchers,
            takes_part=args["apply"] == "part",
            rest=args["rest"],
            kinds=tuple([kind for kind in kinds if kind != "gift_card"]),
        )
        return shapes.checkout(checkouts.take(session, request, now=now))

    return idempotent.command(
        work,
        schema=CheckoutSchema(),
        beside=lambda session, refused: refusals.note_shown(session, guesser, refused, now=now),
    )


def _take_reserved(args: dict[str, Any]) -> Response:
    """Take the basket of a reservation, with what is held for it."""
    till, now = paying_shapes.till(), clock.now()
    named = {name: args[name] for name in ("till_reference", "rest", "source_order")}
    return idempotent.command(
        lambda session: shapes.checkout(taking.take(session, args["reservation_id"], till, **named, now=now)),
        schema=CheckoutSchema(),
    )
