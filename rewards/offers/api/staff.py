"""What staff ask of a campaign: why does it fit a basket, or why not."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web.doors import demand, needs
from rewards.api import shapes as rewards_shapes
from rewards.offers import checking
from rewards.offers.api import shapes
from rewards.offers.api.schemas import CampaignCheckArgsSchema, CampaignCheckSchema
from rewards.offers.qualifying import Asked

blueprint = Blueprint("offers_staff", __name__, description="Why a campaign fits a basket, or why not")


@blueprint.post("/campaigns/<uuid:campaign_id>/checks")
@blueprint.arguments(CampaignCheckArgsSchema())
@blueprint.response(200, CampaignCheckSchema())
@needs("campaigns.read")
def check_campaign(args: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """Try a campaign, also a draft, on a basket: every condition with what it needs and what is. Nothing is changed."""
    if args["customer_id"] is not None:
        demand("customers.read")
    with transaction() as session:
        asked = Asked(
            basket=rewards_shapes.basket(args["basket"]),
            currency=args["currency"],
            at=args["at"] or clock.now(),
            customer_id=args["customer_id"],
            till=checking.store_till(session, args["store_id"]),
        )
        return shapes.checked(checking.check(session, campaign_id, asked), asked.currency)
