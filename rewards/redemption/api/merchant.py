"""What a till begins before it takes a basket."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import connection_of, transaction
from core.web import idempotent
from rewards.redemption import visits
from rewards.redemption.api.schemas import VisitArgsSchema, VisitSchema
from rewards.tills.api.signing import signed
from wallet.paying.api.shapes import till

blueprint = Blueprint("redemption_merchant", __name__, description="One scan for all that a till asks of a basket")


@blueprint.post("/visits")
@blueprint.arguments(VisitArgsSchema())
@blueprint.response(201, VisitSchema())
@idempotent.documented
@signed
def create_visit(args: dict[str, Any]) -> Response:
    """Scan the customer's code once, to ask, to reserve and to take one basket with it."""
    asking, now = till(), clock.now()
    return idempotent.command(
        lambda session: asdict(visits.open_(session, args["customer_code"], asking, now=now)), schema=VisitSchema()
    )


@blueprint.put("/visits/<uuid:visit_id>/end")
@blueprint.response(200, VisitSchema())
@signed
def put_end(visit_id: UUID) -> dict[str, Any]:
    """End a visit: the customer has gone. Repeat until heard."""
    with transaction() as session:
        return asdict(visits.end(connection_of(session), visit_id, till(), now=clock.now()))
