"""What staff ask: why does a campaign fit a basket, or why not; and what fits a customer."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth import customers
from core import clock
from core.db import connection_of, transaction
from core.web.doors import demand, needs
from rewards.api import shapes as rewards_shapes
from rewards.offers import checking, others, qualifying
from rewards.offers.api import shapes
from rewards.offers.api.schemas import AtArgsSchema, CampaignCheckArgsSchema, CheckSchema, StaffQualificationSchema
from rewards.offers.qualifying import Asked

blueprint = Blueprint("offers_staff", __name__, description="Why a campaign fits a basket, or why not")


@blueprint.post("/campaigns/<uuid:campaign_id>/checks")
@blueprint.arguments(CampaignCheckArgsSchema())
@blueprint.response(200, CheckSchema())
@needs("campaigns.read")
def check_campaign(args: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """Try a campaign, also a draft, on a basket: every condition with what it needs and what is. Nothing is changed."""
    if args["customer_id"] is not None:
        demand("customers.read")
    with transaction() as session:
        asked = _asked(session, args, args["customer_id"])
        return shapes.checked(checking.check(session, campaign_id, asked), asked.currency)


@blueprint.post("/customers/<uuid:customer_id>/qualifications")
@blueprint.arguments(AtArgsSchema())
@blueprint.response(200, StaffQualificationSchema())
@needs("customers.read")
def qualify_customer(args: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """Which offers fit this customer's basket, and why the others do not. Needs campaigns.read as well."""
    demand("campaigns.read")
    with transaction() as session:
        connection = connection_of(session)
        customers.find(session, customer_id)
        asked = _asked(session, args, customer_id)
        found = qualifying.offers(connection, asked)
        rest = others.of(connection, asked, but={each.terms.campaign_id for each in found.offers})
        return {**shapes.qualification(connection, found, asked), **shapes.others(connection, rest)}


def _asked(session: Session, args: dict[str, Any], customer_id: UUID | None) -> Asked:
    return Asked(
        basket=rewards_shapes.basket(args["basket"]),
        currency=args["currency"],
        at=args["at"] or clock.now(),
        customer_id=customer_id,
        till=checking.store_till(session, args["store_id"]),
    )
