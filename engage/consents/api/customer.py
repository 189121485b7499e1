"""Consents over the apps' door."""

from typing import Any

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from engage import consents
from engage.consents import Said, preferences, wordings
from engage.consents.api.schemas import ConsentSchema, ConsentsSchema, ContactPreferencesSchema
from engage.consents.models import Consent

blueprint = Blueprint("engage_consents_customer", __name__, description="What the customer allows")


@blueprint.get("/consents")
@blueprint.response(200, ConsentsSchema())
def list_consents() -> dict[str, Any]:
    """What the customer has allowed and refused, per channel and purpose; what is not listed was never asked."""
    with transaction() as session:
        return {"items": consents.of(session, principals.current().id)}


@blueprint.put("/consents")
@blueprint.arguments(ConsentSchema())
@blueprint.response(200, ConsentSchema())
def put_consent(args: dict[str, Any]) -> Consent:
    """Allow or refuse messages by one channel for one purpose; name the wording that was shown, if one was."""
    wording_id = args.pop("wording_id")
    with transaction() as session:
        wordings.check(session, wording_id, channel=args["channel"], purpose=args["purpose"])
        said = Said(principals.current().id, **args)
        return consents.put(session, said, source="app", wording_id=wording_id, now=clock.now())


@blueprint.get("/preferences")
@blueprint.response(200, ContactPreferencesSchema())
def show_preferences() -> tuple[dict[str, Any], dict[str, str]]:
    """Everything that the customer may allow or refuse, as it counts now, with the words to ask in."""
    customer_id = principals.current().id
    with transaction() as session:
        told = {"items": preferences.of(session, customer_id), "url": preferences.url(customer_id, now=clock.now())}
    # The link lets in whoever holds it.
    return told, {"Cache-Control": "no-store"}
