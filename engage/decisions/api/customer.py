"""Why I got it, or did not, over the customer door."""

from typing import Any

from flask_smorest import Blueprint

from core.db import transaction
from core.web import pages, principals
from core.web.schemas import PageArgs, page_of
from engage import decisions
from engage.decisions import own
from engage.decisions.api.schemas import OwnDecisionSchema

blueprint = Blueprint("engage_decisions_customer", __name__, description="Why I got it, or did not")


@blueprint.get("/decisions")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(OwnDecisionSchema))
def list_own_decisions(args: dict[str, Any]) -> dict[str, Any]:
    """What I was given and sent, and why not, the latest first; a page may hold fewer than were asked for."""
    before, limit = pages.place(args["cursor"], decisions.Place.parse), args["limit"]
    with transaction() as session:
        found = decisions.of(session, principals.current().id, before=before, limit=limit + 1)
    page = pages.page(found, limit, own.told, at=lambda decision: decision.place)
    return {**page, "items": [item for item in page["items"] if item is not None]}
