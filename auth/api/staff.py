"""What staff see of auth: which decisions wait for a second person."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth import approval_lists, approvals
from auth.api.schemas import ApprovalArgsSchema, ApprovalSchema
from core import clock
from core.db import transaction
from core.web.doors import needs
from core.web.schemas import decode_cursor, encode_cursor, page_of

blueprint = Blueprint("auth_staff", __name__, description="What one person asks and a second one decides")


@blueprint.get("/approvals")
@blueprint.arguments(ApprovalArgsSchema(), location="query")
@blueprint.response(200, page_of(ApprovalSchema))
@needs("approvals.read")
def list_approvals(args: dict[str, Any]) -> dict[str, Any]:
    """What was asked, the latest first; `status=waiting` is what a second person can decide now."""
    position, limit, now = decode_cursor(args.pop("cursor"), UUID), args.pop("limit"), clock.now()
    with transaction() as session:
        before = position[0] if position else None
        found = approval_lists.page(session, before=before, limit=limit + 1, now=now, **args)
        items = approval_lists.shown(session, found[:limit], now=now)
    return {"items": items, "next_cursor": encode_cursor(items[-1]["id"]) if len(found) > limit else None}


@blueprint.get("/approvals/<uuid:approval_id>")
@blueprint.response(200, ApprovalSchema())
@needs("approvals.read")
def show_approval(approval_id: UUID) -> dict[str, Any]:
    """What was asked, by whom, and what became of it."""
    with transaction() as session:
        return approval_lists.shown(session, [approvals.find(session, approval_id)], now=clock.now())[0]
