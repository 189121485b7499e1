"""Why vouchers were not taken, for who runs their campaigns and who helps customers."""

from functools import partial
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core.db import transaction
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from rewards.refusals import lists
from rewards.refusals.api import shapes
from rewards.refusals.api.schemas import RefusalPageArgs, StaffVoucherRefusalSchema

_Page = page_of(StaffVoucherRefusalSchema)

blueprint = Blueprint("refusals_staff", __name__, description="Why vouchers were not taken")


@blueprint.get("/campaigns/<uuid:campaign_id>/refusals")
@blueprint.arguments(RefusalPageArgs(), location="query")
@blueprint.response(200, _Page)
@needs("campaigns.read")
def list_campaign_refusals(args: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """When tills did not take a campaign's vouchers, and why, latest first; `code` for those of one reason."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = lists.of_campaign(session, campaign_id, code=args["code"], before=before, limit=args["limit"] + 1)
        return pages.page(found, args["limit"], _show())


@blueprint.get("/vouchers/<uuid:voucher_id>/refusals")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, _Page)
@needs("campaigns.read")
def list_voucher_refusals(args: dict[str, Any], voucher_id: UUID) -> dict[str, Any]:
    """When tills did not take a voucher, and why, latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = lists.of_voucher(session, voucher_id, before=before, limit=args["limit"] + 1)
        return pages.page(found, args["limit"], _show())


def _show() -> Any:
    return partial(shapes.for_staff, reads_customers="customers.read" in principals.current().permissions)
