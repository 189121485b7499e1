"""Simulations as they are asked for and looked at."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, ids, replays
from core.errors import NotFound
from rewards.models import Campaign
from rewards.simulation.errors import SimulationRefused
from rewards.simulation.models import Simulation

#: A year takes a worker half a minute, and others wait meanwhile. Who asks at the same moment may pass these by one.
MOST_UNFINISHED, MOST_OF_ALL = 4, 100


def ask(
    session: Session,
    *,
    campaign_id: UUID,
    since: datetime,
    until: datetime,
    take_up_bps: int,
    budget_minor: int | None = None,
    actor: str,
    now: datetime,
) -> Simulation:
    """Have a campaign played over the orders in (since, until] by the next free worker, as its terms stand then.

    budget_minor  what it may spend; None: what it was given, and without a bound where it was given nothing
    raises        NotFound; SimulationRefused for a gift card, which looks at no basket, and for one that waits often
                  enough; InvalidInput for the span
    effects       an audit row
    """
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign")
    if campaign.kind != "coupon":
        raise SimulationRefused("A gift card is given and spent without any condition on a basket")
    replays.check_span(since, until, now=now)
    of_it, of_all = replays.unfinished(session, Simulation, Simulation.campaign_id == campaign_id)
    if of_it >= MOST_UNFINISHED:
        raise SimulationRefused(f"{MOST_UNFINISHED} simulations of it are not finished yet: wait for one of them")
    if of_all >= MOST_OF_ALL:
        raise SimulationRefused(f"{MOST_OF_ALL} simulations are not finished yet: ask again later")

    simulation = Simulation(
        id=ids.new(),
        campaign_id=campaign_id,
        revision=campaign.revision,
        since=since,
        until=until,
        take_up_bps=take_up_bps,
        budget_minor=budget_minor or campaign.funded_minor or None,
        progress_bps=0,
        created_by=actor,
        created_at=now,
        state="waiting",
        due_at=now,
        attempts=0,
    )
    session.add(simulation)
    change = {"since": since.isoformat(), "until": until.isoformat()}
    audit.record(
        session, actor=actor, action="campaign.simulate", target=f"campaign:{campaign_id}", change=change, now=now
    )
    return simulation


def find(session: Session, simulation_id: UUID) -> Simulation:
    """raises  NotFound"""
    simulation = session.get(Simulation, simulation_id)
    if simulation is None:
        raise NotFound("There is no such simulation")
    return simulation


def page(session: Session, campaign_id: UUID, *, before: UUID | None, limit: int) -> list[Simulation]:
    """A campaign's simulations, latest first."""
    query = select(Simulation).where(Simulation.campaign_id == campaign_id).order_by(Simulation.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Simulation.id < before)
    return list(session.scalars(query))
