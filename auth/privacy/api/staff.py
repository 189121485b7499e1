"""Erasures, for who has to answer for them."""

from typing import Any

from flask_smorest import Blueprint

from auth.privacy import erasing
from auth.privacy.api.schemas import StaffErasureSchema
from auth.privacy.models import Erasure
from core.db import transaction
from core.web import pages
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of

blueprint = Blueprint("privacy_staff", __name__, description="Erasures, for who has to answer for them")


@blueprint.get("/erasures")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(StaffErasureSchema))
@needs("erasures.read")
def list_erasures(args: dict[str, Any]) -> dict[str, Any]:
    """Deleted accounts, the latest first, each with its receipt; what fails names its kind."""
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = erasing.page(session, before=before, limit=limit + 1)
    return pages.page([_told(each) for each in found], limit, at=lambda told: told["erasure_id"])


def _told(erasure: Erasure) -> dict[str, Any]:
    return {
        "erasure_id": erasure.id,
        "customer_id": erasure.customer_id,
        "status": erasure.state,
        "asked_by": erasure.asked_by,
        "asked_at": erasure.asked_at,
        "done_at": erasure.done_at,
        "receipt": erasure.receipt,
        "last_error": erasure.last_error,
    }
