"""Consents over the apps' door."""

from typing import Any

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from engage import consents
from engage.consents import Said
from engage.consents.api.schemas import ConsentSchema, ConsentsSchema
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
    """Allow or refuse messages by one channel for one purpose."""
    with transaction() as session:
        return consents.put(session, Said(principals.current().id, **args), source="app", now=clock.now())
