"""What staff see of auth: which decisions wait for a second person."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth import approval_lists, approvals
from auth.api.schemas import ApprovalArgsSchema, ApprovalSchema
from core import clock
from core.db import transaction
from core.web import pages
from core.web.doors import needs
from core.web.schemas import page_of

blueprint = Blueprint("auth_staff", __name__, description="What one person asks and a second one decides")


@blueprint.get("/approvals")
@blueprint.arguments(ApprovalArgsSchema(), location="query")
@blueprint.response(200, page_of(ApprovalSchema))
@needs("approvals.read")
def list_approvals(args: dict[str, Any]) -> dict[str, Any]:
    """What was asked, the latest first; `status=waiting` is what a second person can decide now."""
    before, limit, now = pages.before(args.pop("cursor")), args.pop("limit"), clock.now()
    with transaction() as session:
        found = approval_lists.page(session, before=before, limit=limit + 1, now=now, **args)
        shown = approval_lists.shown(session, found, now=now)
    return pages.page(shown, limit, at=lambda approval: approval["id"])


@blueprint.get("/approvals/<uuid:approval_id>")
@blueprint.response(200, ApprovalSchema())
@needs("approvals.read")
def show_approval(approval_id: UUID) -> dict[str, Any]:
    """What was asked, by whom, and what became of it."""
    with transaction() as session:
        return approval_lists.shown(session, [approvals.find(session, approval_id)], now=clock.now())[0]
