"""Decisions over the staff door."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth import customers
from core.db import transaction
from core.web import pages
from core.web.doors import needs
from engage import decisions
from engage.decisions.api.schemas import DecisionArgs, DecisionPageSchema

blueprint = Blueprint("engage_decisions_staff", __name__, description="Why customers got what they got")


@blueprint.get("/customers/<uuid:customer_id>/decisions")
@blueprint.arguments(DecisionArgs(), location="query")
@blueprint.response(200, DecisionPageSchema())
@needs("customers.read")
def list_decisions(args: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """Why this customer got what they got, and why not what they did not, the latest first."""
    before, limit, about = pages.place(args["cursor"], decisions.Place.parse), args["limit"], args["about"]
    with transaction() as session:
        customers.find(session, customer_id)
        answer = decisions.about(session, customer_id, about) if about else None
        found = decisions.of(session, customer_id, before=before, limit=limit + 1, journey_id=about)
    return {**pages.page(found, limit, at=lambda decision: decision.place), "answer": answer}
