"""Decisions over the staff door."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core.db import transaction
from core.web.doors import needs
from core.web.listings import page
from core.web.schemas import PageArgs, page_of
from engage import decisions
from engage.decisions.api.schemas import DecisionSchema

blueprint = Blueprint("engage_decisions_staff", __name__, description="Why customers got what they got")


@blueprint.get("/customers/<uuid:customer_id>/decisions")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(DecisionSchema))
@needs("journeys.read")
def list_decisions(args: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """Why this customer got what they got, and why not what they did not, the latest first."""
    with transaction() as session:
        return page(args, lambda before, limit: decisions.of(session, customer_id, before=before, limit=limit))
