"""Simulations as they are asked for and looked at."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import audit, ids
from core.errors import InvalidInput, NotFound
from rewards.models import Campaign
from rewards.simulation.errors import SimulationRefused
from rewards.simulation.models import Simulation

LONGEST = timedelta(days=366)
#: A year takes a worker half a minute, and others wait meanwhile. Who asks at the same moment may pass it by one.
MOST_UNFINISHED = 4


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
    if not since < until <= now or until - since > LONGEST:
        detail = "must lie after since, at most 366 days after it, and not in the future"
        raise InvalidInput(errors=[{"pointer": "/until", "detail": detail}])
    if _unfinished(session, campaign_id) >= MOST_UNFINISHED:
        raise SimulationRefused(f"{MOST_UNFINISHED} simulations of it are not finished yet: wait for one of them")

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


def _unfinished(session: Session, campaign_id: UUID) -> int:
    query = select(func.count()).where(
        Simulation.campaign_id == campaign_id, Simulation.state.in_(("waiting", "running"))
    )
    return session.scalar(query) or 0
