"""What a till asks before it redeems."""

from dataclasses import replace
from typing import Any

from flask_smorest import Blueprint

from core import clock
from core.db import connection_of, transaction
from core.web import unproxied
from rewards.api import shapes as rewards_shapes
from rewards.api import shoppers
from rewards.offers import checking, qualifying
from rewards.offers.api import shapes
from rewards.offers.api.schemas import (
    QualificationSchema,
    ValidationArgsSchema,
    ValidationSchema,
    VisitQualificationArgsSchema,
)
from rewards.offers.qualifying import Asked
from rewards.redemption import guesses
from rewards.redemption.evidence import Shown
from rewards.redemption.guesses import Guesser
from wallet.paying.api import shapes as paying_shapes

blueprint = Blueprint("offers_merchant", __name__, description="Which offers fit a basket, and which vouchers would do")


@blueprint.post("/qualifications")
@blueprint.arguments(VisitQualificationArgsSchema())
@blueprint.response(200, QualificationSchema())
def qualify(args: dict[str, Any]) -> dict[str, Any]:
    """Which offers fit this basket in this store now: the open ones, and with a visit its customer's own as well."""
    till = paying_shapes.till(args["currency"])
    asked = Asked(basket=rewards_shapes.basket(args["basket"]), currency=args["currency"], at=clock.now(), till=till)
    with transaction() as session:
        connection = connection_of(session)
        asked = replace(asked, customer_id=shoppers.asking(connection, args, till, now=asked.at))
        found = shapes.qualification(connection, qualifying.offers(connection, asked), asked)
    if asked.customer_id is None:
        del found["best"]  # of nobody's vouchers
    return found


@blueprint.post("/validations")
@blueprint.arguments(ValidationArgsSchema())
@blueprint.response(200, ValidationSchema())
def validate(args: dict[str, Any]) -> dict[str, Any]:
    """Whether these vouchers would be taken for this basket, and what would be left to pay. Nothing is used by it."""
    till, now = paying_shapes.till(args["currency"]), clock.now()
    shown = Shown(
        references=rewards_shapes.references({"apply_best": False, "vouchers": args["vouchers"]}),
        customer_id=None,
        basket=rewards_shapes.basket(args["basket"]),
        till=till,
        currency=args["currency"],
        at=now,
        takes_part=args["apply"] == "part",
    )
    with transaction() as session:
        shown = replace(shown, customer_id=shoppers.asking(connection_of(session), args, till, now=now))
        guesser = Guesser(
            terminal_id=till.terminal_id, customer_id=shown.customer_id, address=unproxied.request().remote_addr
        )
        guesses.refuse_when_locked(connection_of(session), guesser, now=now)
        found = checking.validate(session, shown)
        if found.refusal is not None:
            guesses.note(session, guesser, found.refusal, now=now)
    return shapes.validation(found, shown.basket, shown.currency)
