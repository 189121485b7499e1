"""What staff see of messages: those in doubt, and in development what the sandbox was given."""

from typing import Any
from uuid import UUID

from flask import current_app
from flask_smorest import Blueprint

from core import clock
from core.db import connection_of, transaction
from core.delivery import in_doubt, rates, routes
from core.delivery.api.schemas import (
    MessageSchema,
    RouteSchema,
    SandboxArgsSchema,
    SandboxMessageSchema,
    SettlementSchema,
)
from core.delivery.models import Message
from core.errors import NotFound
from core.gateways import sandbox
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of

blueprint = Blueprint("messages", __name__, description="Messages and what became of them")


@blueprint.get("/messages/in-doubt")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(MessageSchema))
@needs("messages.read")
def list_messages_in_doubt(args: dict[str, Any]) -> dict[str, Any]:
    """Messages of which nobody can tell whether the provider took them, the oldest first."""
    after, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = in_doubt.list_(session, limit=limit + 1, after=after)
    return pages.page(found, limit)


@blueprint.put("/messages/<uuid:message_id>/settlement")
@blueprint.arguments(SettlementSchema())
@blueprint.response(200, MessageSchema())
@needs("messages.settle")
def settle_message(args: dict[str, Any], message_id: UUID) -> Message:
    """Settle a message in doubt with what the provider's own console shows; it is never sent again."""
    with transaction() as session:
        return in_doubt.settle(
            session,
            message_id=message_id,
            was_taken=args["was_taken"],
            actor=principals.current().name,
            now=clock.now(),
        )


@blueprint.get("/messages/routes")
@blueprint.response(200, page_of(RouteSchema))
@needs("messages.read")
def list_routes() -> dict[str, Any]:
    """Each channel's providers in the order in which they are tried, and which are closed because they keep failing."""
    extensions = current_app.extensions
    with transaction() as session:
        shown = routes.shown(
            connection_of(session),
            extensions["gateways"],
            rates=rates.parse(extensions["settings"].delivery_rates),
            now=clock.now(),
        )
    return {"items": shown, "next_cursor": None}


@blueprint.get("/sandbox/messages")
@blueprint.arguments(SandboxArgsSchema(), location="query")
@blueprint.response(200, page_of(SandboxMessageSchema))
@needs("messages.read")
def list_sandbox_messages(args: dict[str, Any]) -> dict[str, Any]:
    """What the sandbox was given instead of a provider, the latest first (not in production)."""
    if current_app.extensions["settings"].is_production:
        raise NotFound
    with transaction() as session:
        return {"items": sandbox.kept(session, recipient=args["to"]), "next_cursor": None}
