"""The inbox over the apps' door."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from core.web.listings import page
from core.web.schemas import PageArgs, page_of
from engage import inbox
from engage.inbox import Item
from engage.inbox.api.schemas import InboxItemSchema, MessageReceiptSchema
from engage.outgoing import receipts

blueprint = Blueprint("engage_inbox_customer", __name__, description="What was said to the customer")


@blueprint.get("/inbox")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(InboxItemSchema))
def list_inbox(args: dict[str, Any]) -> dict[str, Any]:
    """What was said to the customer, the latest first."""
    customer_id, now = principals.current().id, clock.now()
    with transaction() as session:
        return page(args, lambda before, limit: inbox.list_(session, customer_id, before=before, limit=limit, now=now))


@blueprint.put("/inbox/<uuid:item_id>/read")
@blueprint.response(200, InboxItemSchema())
def mark_inbox_item_read(item_id: UUID) -> Item:
    """Tell that the customer has read an item; the first time counts."""
    with transaction() as session:
        return inbox.mark_read(session, principals.current().id, item_id, now=clock.now())


@blueprint.post("/messages/<uuid:message_id>/receipts")
@blueprint.arguments(MessageReceiptSchema())
@blueprint.response(204)
def tell_receipt(args: dict[str, Any], message_id: UUID) -> None:
    """Tell that a push was shown, opened or put aside (its data holds message_id). Telling it again changes nothing."""
    with transaction() as session:
        receipts.take(session, message_id, customer_id=principals.current().id, **args, now=clock.now())
