"""Why the customer's voucher was not taken."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core.db import transaction
from core.web import pages, principals
from core.web.schemas import PageArgs, page_of
from rewards.refusals import lists
from rewards.refusals.api import shapes
from rewards.refusals.api.schemas import VoucherRefusalSchema

blueprint = Blueprint("refusals_customer", __name__, description="Why a voucher was not taken")


@blueprint.get("/vouchers/<uuid:voucher_id>/refusals")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(VoucherRefusalSchema))
def list_own_refusals(args: dict[str, Any], voucher_id: UUID) -> dict[str, Any]:
    """When tills did not take my voucher, and why, latest first; the last 20 of 90 days."""
    customer_id, before = principals.current().id, pages.before(args["cursor"])
    with transaction() as session:
        found = lists.of_owner(session, customer_id, voucher_id, before=before, limit=args["limit"] + 1)
        return pages.page(found, args["limit"], shapes.for_owner)
