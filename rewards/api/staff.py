"""What marketing staff do: set up campaigns, fund them, start and stop them, give vouchers."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from rewards import campaigns
from rewards.api import shapes
from rewards.api.schemas import PublicationArgsSchema, PublicationSchema
from rewards.campaigns import Draft, results
from rewards.campaigns.api.schemas import CampaignArgsSchema, CampaignSchema, FundingArgsSchema, StatusArgsSchema
from rewards.vouchers import publications

blueprint = Blueprint("rewards_staff", __name__, description="Campaigns and the vouchers that they give")


@blueprint.post("/campaigns")
@blueprint.arguments(CampaignArgsSchema())
@blueprint.response(201, CampaignSchema())
@needs("campaigns.write")
def create_campaign(args: dict[str, Any]) -> Response:
    """Create a campaign as a draft, with a budget. A tenth of the customers is held out of it unless you say otherwise.
    Needs an Idempotency-Key."""
    audience, actor, now = args.pop("audience"), principals.current().name, clock.now()
    draft = Draft(**args)
    return idempotent.command(
        lambda session: shapes.campaign(
            results.of(session, campaigns.create(session, draft, audience=audience, actor=actor, now=now))
        ),
        schema=CampaignSchema(),
    )


@blueprint.get("/campaigns")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(CampaignSchema))
@needs("campaigns.read")
def list_campaigns(args: dict[str, Any]) -> dict[str, Any]:
    """The campaigns, latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = results.page(session, before=before, limit=args["limit"] + 1)
    return pages.page(found, args["limit"], shapes.campaign)


@blueprint.get("/campaigns/<uuid:campaign_id>")
@blueprint.response(200, CampaignSchema())
@needs("campaigns.read")
def show_campaign(campaign_id: UUID) -> dict[str, Any]:
    """A campaign with what is left of its budget, what was given and what was used."""
    with transaction() as session:
        return shapes.campaign(results.of(session, campaign_id))


@blueprint.post("/campaigns/<uuid:campaign_id>/funding")
@blueprint.arguments(FundingArgsSchema())
@blueprint.response(201, CampaignSchema())
@needs("campaigns.write")
def fund_campaign(args: dict[str, Any], campaign_id: UUID) -> Response:
    """Put more of the brand's marketing fund into a campaign's budget. Needs an Idempotency-Key."""
    actor, key, now = principals.current().name, idempotent.key(), clock.now()
    return idempotent.command(
        lambda session: shapes.campaign(
            results.of(
                session,
                campaigns.fund(
                    session, campaign_id=campaign_id, amount_minor=args["amount_minor"], key=key, actor=actor, now=now
                ),
            )
        ),
        schema=CampaignSchema(),
    )


@blueprint.put("/campaigns/<uuid:campaign_id>/status")
@blueprint.arguments(StatusArgsSchema())
@blueprint.response(200, CampaignSchema())
@needs("campaigns.write")
def set_campaign_status(args: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """Start, pause or end a campaign."""
    with transaction() as session:
        campaign = campaigns.set_state(
            session, campaign_id=campaign_id, state=args["status"], actor=principals.current().name, now=clock.now()
        )
        return shapes.campaign(results.of(session, campaign.id))


@blueprint.post("/campaigns/<uuid:campaign_id>/vouchers")
@blueprint.arguments(PublicationArgsSchema())
@blueprint.response(201, PublicationSchema())
@needs("campaigns.write")
def publish_voucher(args: dict[str, Any], campaign_id: UUID) -> Response:
    """Give a customer a voucher, or make a generic code. Needs an Idempotency-Key."""
    actor, key, now = principals.current().name, idempotent.key(), clock.now()
    return idempotent.command(
        lambda session: shapes.publication(
            publications.publish(
                session,
                campaign_id=campaign_id,
                customer_id=args["customer_id"],
                chosen_code=args["code"],
                source=args["source"] or f"{actor}:{key}",
                actor=actor,
                now=now,
            )
        ),
        schema=PublicationSchema(),
    )
