"""Simulations at the staff door."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from rewards.simulation import runs
from rewards.simulation.api.schemas import SimulationArgsSchema, SimulationSchema
from rewards.simulation.models import Simulation

blueprint = Blueprint("simulation_staff", __name__, description="Campaigns played over past baskets")


@blueprint.post("/campaigns/<uuid:campaign_id>/simulations")
@blueprint.arguments(SimulationArgsSchema())
@blueprint.response(202, SimulationSchema())
@needs("campaigns.read")
def create_simulation(args: dict[str, Any], campaign_id: UUID) -> Response:
    """Play a campaign over past baskets, in the background: ask again for its progress. Needs an Idempotency-Key."""
    actor, now = principals.current().name, clock.now()
    return idempotent.command(
        lambda session: _shown(runs.ask(session, campaign_id=campaign_id, **args, actor=actor, now=now)),
        schema=SimulationSchema(),
        status=202,
    )


@blueprint.get("/campaigns/<uuid:campaign_id>/simulations")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(SimulationSchema))
@needs("campaigns.read")
def list_simulations(args: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """A campaign's simulations, latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = runs.page(session, campaign_id, before=before, limit=args["limit"] + 1)
        return pages.page(found, args["limit"], _shown)


@blueprint.get("/simulations/<uuid:simulation_id>")
@blueprint.response(200, SimulationSchema())
@needs("campaigns.read")
def show_simulation(simulation_id: UUID) -> dict[str, Any]:
    """A simulation with its progress, and its result once it is done."""
    with transaction() as session:
        return _shown(runs.find(session, simulation_id))


def _shown(simulation: Simulation) -> dict[str, Any]:
    names = (
        *("id", "campaign_id", "revision", "state", "progress_bps", "since", "until", "take_up_bps"),
        *("budget_minor", "result", "created_at", "ended_at"),
    )
    return {name: getattr(simulation, name) for name in names}
