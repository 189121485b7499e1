"""Where a customer is signed in."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields

from auth import sessions
from auth.dpop import binding
from auth.proofs import Owner
from auth.sessions import listing
from auth.step_up import demands
from core import clock
from core.db import transaction
from core.errors import NotFound
from core.web import pages, principals
from core.web.schemas import Instant, PageArgs, page_of

blueprint = Blueprint("sessions", __name__, description="Where a customer is signed in")


class SessionSchema(Schema):
    id = fields.UUID()
    is_this = fields.Boolean(metadata={"description": "The one that asks."})
    kind = fields.String(metadata={"description": "`app` or `web`, a browser's"})
    client = fields.String(metadata={"description": "The app that began it.", "example": "Pocketful"})
    platform = fields.String(allow_none=True, metadata={"example": "ios"})
    app_version = fields.String(allow_none=True, metadata={"example": "3.1.0"})
    agent = fields.String(allow_none=True, metadata={"description": "What browser or app it said it was."})
    network = fields.String(allow_none=True, metadata={"description": "Where from.", "example": "203.0.113.0/24"})
    created_at = Instant()
    seen_at = Instant(metadata={"description": "When it was last used: refreshed, or a page was opened."})


@blueprint.get("/sessions")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(SessionSchema))
def list_sessions(args: dict[str, Any]) -> dict[str, Any]:
    """Where I am signed in, the latest first; this one is marked."""
    me, now = principals.current(), clock.now()
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = listing.page(session, me.id, before=before, limit=limit + 1, now=now)
    return pages.page(found, limit, lambda shown: _told(shown, me.session_id))


@blueprint.delete("/sessions/<uuid:session_id>")
@blueprint.response(204)
def end_session(session_id: UUID) -> None:
    """Sign out one of my sessions, with every app that shares it; its tokens are refused within a second."""
    me = principals.current()
    with transaction() as session:
        if not listing.is_of(session, session_id, me.id):
            raise NotFound
        sessions.end(session, session_id, because="signed_out", now=clock.now())


@blueprint.delete("/sessions")
@blueprint.response(204)
def end_other_sessions() -> None:
    """Sign out everywhere but here; needs a sign-in of the last five minutes."""
    me, now = principals.current(), clock.now()
    binding.demand(me, now)
    with transaction() as session:
        demands.demand(session, me, now=now)
        sessions.end_all(session, Owner(customer_id=me.id), but=me.session_id, because="signed_out", now=now)


def _told(shown: listing.Shown, this: UUID | None) -> dict[str, Any]:
    return {
        "id": shown.id,
        "is_this": shown.id == this,
        "kind": shown.kind,
        "client": shown.client_name,
        "platform": shown.platform,
        "app_version": shown.app_version,
        "agent": shown.agent,
        "network": shown.network,
        "created_at": shown.created_at,
        "seen_at": shown.seen_at,
    }
