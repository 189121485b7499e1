"""What staff do with campaigns that there are: change, copy and release them, and agree to one another's."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock, steadiness
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from rewards.api import shapes
from rewards.campaigns import approvals, copies, funding, results, versions
from rewards.campaigns.api.schemas import (
    ApprovalArgsSchema,
    AskedCampaignApprovalSchema,
    CampaignApprovalSchema,
    CampaignDecisionArgsSchema,
    CampaignSchema,
    CampaignTermsSchema,
    CampaignVersionSchema,
    CopyArgsSchema,
)

blueprint = Blueprint("rewards_campaigns", __name__, description="Campaigns changed, copied, approved and released")


@blueprint.patch("/campaigns/<uuid:campaign_id>")
@blueprint.arguments(CampaignTermsSchema(partial=True))
@blueprint.response(200, CampaignSchema())
@needs("campaigns.write")
def change_campaign(args: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """Change a campaign's terms, from now on; what vouchers that were given promise stays."""
    actor, now = principals.current().name, clock.now()
    with transaction() as session:
        versions.change(session, campaign_id=campaign_id, changes=args, actor=actor, now=now)
        return shapes.campaign(results.of(session, campaign_id))


@blueprint.get("/campaigns/<uuid:campaign_id>/versions")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(CampaignVersionSchema))
@needs("campaigns.read")
def list_campaign_versions(args: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """A campaign's terms at each of its changes, latest first."""
    before, limit = pages.place(args["cursor"], int), args["limit"]
    with transaction() as session:
        found = versions.page(session, campaign_id, before=before, limit=limit + 1)
        return pages.page(
            found,
            limit,
            lambda each: {name: getattr(each, name) for name in ("revision", "terms", "made_by", "made_at")},
            at=lambda each: each.revision,
        )


@blueprint.post("/campaigns/<uuid:campaign_id>/copies")
@blueprint.arguments(CopyArgsSchema())
@blueprint.response(201, CampaignSchema())
@idempotent.documented
@needs("campaigns.write")
def copy_campaign(args: dict[str, Any], campaign_id: UUID) -> Response:
    """Make a draft with the terms of this campaign, and without money."""
    actor, now = principals.current().name, clock.now()
    return idempotent.command(
        lambda session: shapes.campaign(
            results.of(session, copies.copy(session, campaign_id=campaign_id, **args, actor=actor, now=now))
        ),
        schema=CampaignSchema(),
    )


@blueprint.post("/campaigns/<uuid:campaign_id>/release")
@blueprint.response(201, CampaignSchema())
@idempotent.documented
@needs("campaigns.write")
def release_campaign(campaign_id: UUID) -> Response:
    """Give what is left of an ended campaign's budget back to its funders."""
    actor, key, now = principals.current().name, idempotent.key(), clock.now()
    return idempotent.command(
        lambda session: shapes.campaign(
            results.of(session, funding.release(session, campaign_id=campaign_id, key=key, actor=actor, now=now))
        ),
        schema=CampaignSchema(),
    )


@blueprint.post("/campaigns/<uuid:campaign_id>/approval-requests")
@blueprint.arguments(ApprovalArgsSchema())
@blueprint.response(201, AskedCampaignApprovalSchema())
@idempotent.documented
@needs("campaigns.write")
def ask_campaign_approval(args: dict[str, Any], campaign_id: UUID) -> Response:
    """Ask a second person to agree to a campaign as it stands, up to a budget."""
    actor, now = principals.current().name, clock.now()
    return idempotent.command(
        lambda session: approvals.shown(
            session, approvals.ask(session, campaign_id=campaign_id, **args, asked_by=actor, now=now), now=now
        ),
        # What is kept with the key holds no free text, which is sealed where it stands.
        schema=AskedCampaignApprovalSchema(),
    )


@blueprint.get("/campaigns/<uuid:campaign_id>/approval-requests/<uuid:approval_id>")
@blueprint.response(200, CampaignApprovalSchema())
@needs("campaigns.read")
def show_campaign_approval(campaign_id: UUID, approval_id: UUID) -> dict[str, Any]:
    """What was asked of a second person, by whom, and what became of it."""
    with transaction() as session:
        found = approvals.find(session, campaign_id=campaign_id, approval_id=approval_id)
        return approvals.shown(session, found, now=clock.now())


@blueprint.put("/campaigns/<uuid:campaign_id>/approval-requests/<uuid:approval_id>/decision")
@blueprint.arguments(CampaignDecisionArgsSchema())
@blueprint.response(200, CampaignApprovalSchema())
@needs("campaigns.approve")
def decide_campaign_approval(args: dict[str, Any], campaign_id: UUID, approval_id: UUID) -> dict[str, Any]:
    """Agree to another person's campaign, or refuse it."""
    steadiness.check()
    now, decided_by = clock.now(), principals.current().name
    with transaction() as session:
        decided = approvals.decide(
            session, campaign_id=campaign_id, approval_id=approval_id, **args, decided_by=decided_by, now=now
        )
        return approvals.shown(session, decided, now=now)


@blueprint.put("/campaigns/<uuid:campaign_id>/approval-requests/<uuid:approval_id>/withdrawal")
@blueprint.response(200, CampaignApprovalSchema())
@needs("campaigns.write")
def withdraw_campaign_approval(campaign_id: UUID, approval_id: UUID) -> dict[str, Any]:
    """Take back what you asked, while nobody has decided it."""
    now, actor = clock.now(), principals.current().name
    with transaction() as session:
        taken = approvals.withdraw(
            session, campaign_id=campaign_id, approval_id=approval_id, withdrawn_by=actor, now=now
        )
        return approvals.shown(session, taken, now=now)
