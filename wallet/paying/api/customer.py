"""What a customer does to pay: read a merchant's code, choose what pays first."""

from typing import Any

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from wallet.paying import codes, preferences
from wallet.paying.api import shapes
from wallet.paying.api.schemas import CodeArgsSchema, PreferencesSchema, SeenCodeSchema

blueprint = Blueprint("paying_customer", __name__, description="Paying by a merchant's code")


@blueprint.post("/payment-codes/read")
@blueprint.arguments(CodeArgsSchema())
@blueprint.response(200, SeenCodeSchema())
def read_code(args: dict[str, Any]) -> dict[str, Any]:
    """Whom a scanned code would pay, and how much: ask this before POST /payments with the code."""
    with transaction() as session:
        return shapes.seen(codes.read(session, args["code"], now=clock.now()))


@blueprint.get("/payment-preferences")
@blueprint.response(200, PreferencesSchema())
def show_preferences() -> dict[str, Any]:
    """What pays first: promotional value, gift cards, points or cash."""
    with transaction() as session:
        return {"sources": preferences.of_customer(session, principals.current().id)}


@blueprint.put("/payment-preferences")
@blueprint.arguments(PreferencesSchema())
@blueprint.response(200, PreferencesSchema())
def put_preferences(args: dict[str, Any]) -> dict[str, Any]:
    """Choose what pays first, where a payment does not say."""
    with transaction() as session:
        preferences.put(session, principals.current().id, args["sources"], now=clock.now())
        return {"sources": args["sources"]}
