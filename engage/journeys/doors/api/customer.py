"""Doors over the app's door: what a customer opened lets them into a journey."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.web import idempotent, principals
from engage.journeys.doors import asking
from engage.journeys.doors.api.schemas import DoorEntryArgsSchema, DoorEntrySchema

blueprint = Blueprint("engage_doors_customer", __name__, description="Links and posters that the app opens")


@blueprint.post("/entries")
@blueprint.arguments(DoorEntryArgsSchema())
@blueprint.response(201, DoorEntrySchema())
@idempotent.documented
def come_in(args: dict[str, Any]) -> Response:
    """Tell that the customer opened a link or scanned a poster (/e/<door>); what it leads to follows by message

    However often it is told, it counts once. Needs an Idempotency-Key.
    """
    customer_id = principals.current().id
    return idempotent.command(
        lambda session: asking.by_customer(session, slug=args["door"], customer_id=customer_id, now=clock.now()),
        schema=DoorEntrySchema(),
    )
