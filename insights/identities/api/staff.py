"""Which anonymous visitors count as a customer, and undoing what was wrong."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth import customers
from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs
from core.web.schemas import PageArgs, decode_cursor, encode_cursor, page_of
from insights.identities import links
from insights.identities.api.schemas import LinkSchema
from insights.identities.links import ShownLink

blueprint = Blueprint("insights_identities_staff", __name__, description="Anonymous visitors that count as customers")


@blueprint.get("/customers/<uuid:customer_id>/identities")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(LinkSchema))
@needs("customers.read")
def list_identities(args: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """The anonymous visitors that count, or counted, as a customer, the latest link first."""
    position = decode_cursor(args["cursor"], UUID)
    with transaction() as session:
        customers.find(session, customer_id)
        found = links.of(session, customer_id, after=position[0] if position else None, limit=args["limit"] + 1)
    items = found[: args["limit"]]
    return {"items": items, "next_cursor": encode_cursor(items[-1].id) if len(found) > len(items) else None}


@blueprint.put("/identity-links/<uuid:link_id>/undo")
@blueprint.response(200, LinkSchema())
@needs("identities.write")
def undo_link(link_id: UUID) -> ShownLink:
    """Say that an anonymous visitor is not this customer, within 30 days

    The customer's profile is told again from the log, and no later event links the two. Repeating it changes nothing.
    """
    with transaction() as session:
        return links.undo(session, link_id, actor=principals.current().name, now=clock.now())
