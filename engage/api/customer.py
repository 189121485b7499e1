"""What an app does with engage: consents and the inbox."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from core.web.schemas import PageArgs, page_of
from engage import consents, inbox
from engage.api.pages import page
from engage.api.schemas import ConsentSchema, ConsentsSchema, InboxItemSchema
from engage.consents import Said
from engage.inbox import Item
from engage.models import Consent

blueprint = Blueprint("engage_customer", __name__, description="What the customer allows, and what was said to them")


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


@blueprint.get("/inbox")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(InboxItemSchema))
def list_inbox(args: dict[str, Any]) -> dict[str, Any]:
    """What was said to the customer, the latest first."""
    customer_id = principals.current().id
    with transaction() as session:
        return page(args, lambda before, limit: inbox.list_(session, customer_id, before=before, limit=limit))


@blueprint.put("/inbox/<uuid:item_id>/read")
@blueprint.response(200, InboxItemSchema())
def mark_inbox_item_read(item_id: UUID) -> Item:
    """Tell that the customer has read an item; the first time counts."""
    with transaction() as session:
        return inbox.mark_read(session, principals.current().id, item_id, now=clock.now())
