"""What staff see of identity checks, and the tier that they give."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth import customers
from core import clock
from core.db import transaction
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import page_of
from wallet.identity import checks, tiers
from wallet.identity.api.schemas import (
    IdentityChecksArgsSchema,
    StaffIdentityCheckSchema,
    TierArgsSchema,
    TierSchema,
)

blueprint = Blueprint("identity_staff", __name__, description="Identity checks and tiers")


@blueprint.get("/identity-checks")
@blueprint.arguments(IdentityChecksArgsSchema(), location="query")
@blueprint.response(200, page_of(StaffIdentityCheckSchema))
@needs("identity.read")
def list_identity_checks(args: dict[str, Any]) -> dict[str, Any]:
    """Identity checks, latest first."""
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = checks.list_(session, state=args["status"], before=before, limit=limit + 1)
    return pages.page(found, limit)


@blueprint.put("/customers/<uuid:customer_id>/tier")
@blueprint.arguments(TierArgsSchema())
@blueprint.response(200, TierSchema())
@needs("identity.write")
def set_tier(args: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """Put a customer on a tier of limits, whatever a check has said."""
    with transaction() as session:
        customers.find(session, customer_id)
        tiers.set_(session, customer_id, **args, actor=principals.current().name, now=clock.now())
    return {"customer_id": customer_id, "tier": args["tier"]}
