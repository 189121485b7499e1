"""Journeys as staff know them: drawn, published, paused, ended, and how many customers stand where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import audit, ids
from core.errors import NotFound
from engage.journeys import graph
from engage.journeys.errors import JourneyEnded, JourneyInvalid, JourneyNotPublished
from engage.journeys.models import Journey, JourneyVersion
from engage.steps import IssueVoucher
from engage.walks.models import Enrolment
from rewards.models import Campaign

#: Where staff send the graph: faults are named by JSON pointers into the request's body.
_POINTER = "/graph"


@dataclass(frozen=True, slots=True)
class StepCount:
    """How many customers stand at a step of a version, or ended there, in one arm."""

    version_id: UUID
    state: str
    step: str | None
    end_reason: str | None
    is_held_out: bool
    customers: int


def create(session: Session, *, name: str, holdout_bps: int, actor: str, now: datetime) -> Journey:
    """A draft that nobody enters until a version is published.

    units  holdout_bps: basis points of customers held out, 0 to 10 000
    """
    journey = Journey(
        id=ids.new(), name=name, status="draft", holdout_bps=holdout_bps, live_version_id=None, created_at=now
    )
    session.add(journey)
    _audit(session, journey, "journey.created", {"name": name, "holdout_bps": holdout_bps}, actor=actor, now=now)
    return journey


def publish(
    session: Session, *, journey_id: UUID, raw_graph: dict[str, Any], actor: str, now: datetime
) -> JourneyVersion:
    """Let customers enter a new version from now on; those inside finish the one that they entered.

    raises  NotFound; JourneyEnded; JourneyInvalid naming every fault
    """
    journey = _locked(session, journey_id)
    if journey.status == "ended":
        raise JourneyEnded
    _check_campaigns(session, graph.parse(raw_graph, pointer=_POINTER))
    latest = session.scalar(select(func.max(JourneyVersion.number)).where(JourneyVersion.journey_id == journey_id))

    version = JourneyVersion(
        id=ids.new(),
        journey_id=journey_id,
        number=(latest or 0) + 1,
        graph=raw_graph,
        published_by=actor,
        published_at=now,
    )
    session.add(version)
    journey.live_version_id = version.id
    if journey.status == "draft":
        journey.status = "live"
    change = {"version_id": str(version.id), "number": version.number}
    _audit(session, journey, "journey.published", change, actor=actor, now=now)
    return version


def set_status(session: Session, *, journey_id: UUID, status: str, actor: str, now: datetime) -> Journey:
    """Open a journey to new customers (live), close it (paused: those inside go on), or end it for good (ended: those
    inside leave at their next step).

    raises  NotFound; JourneyNotPublished; JourneyEnded
    """
    journey = _locked(session, journey_id)
    if journey.status == "draft":
        raise JourneyNotPublished
    if journey.status == "ended" and status != "ended":
        raise JourneyEnded
    if journey.status == status:
        return journey

    change = {"from": journey.status, "to": status}
    journey.status = status
    _audit(session, journey, "journey.status_set", change, actor=actor, now=now)
    return journey


def find(session: Session, journey_id: UUID) -> Journey:
    """raises  NotFound"""
    journey = session.get(Journey, journey_id)
    if journey is None:
        raise NotFound
    return journey


def list_(session: Session, *, before: UUID | None, limit: int) -> Sequence[Journey]:
    """The latest first, from the one before `before` on."""
    query = select(Journey).order_by(Journey.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Journey.id < before)
    return session.scalars(query).all()


def versions_of(session: Session, journey_id: UUID) -> Sequence[JourneyVersion]:
    """The latest first."""
    query = select(JourneyVersion).where(JourneyVersion.journey_id == journey_id)
    return session.scalars(query.order_by(JourneyVersion.number.desc())).all()


def counts_of(session: Session, journey_id: UUID) -> list[StepCount]:
    """Where everyone who ever entered stands now."""
    columns = (
        Enrolment.version_id, Enrolment.state, Enrolment.step, Enrolment.end_reason, Enrolment.is_held_out
    )  # fmt: skip
    query = select(*columns, func.count()).where(Enrolment.journey_id == journey_id).group_by(*columns)
    return [StepCount(*row) for row in session.execute(query.order_by(*columns))]


def _locked(session: Session, journey_id: UUID) -> Journey:
    journey = session.get(Journey, journey_id, with_for_update=True)
    if journey is None:
        raise NotFound
    return journey


def _check_campaigns(session: Session, drawn: graph.Graph) -> None:
    wanted = {name: step.campaign_id for name, step in drawn.steps.items() if isinstance(step, IssueVoucher)}
    known = set(session.scalars(select(Campaign.id).where(Campaign.id.in_(wanted.values()))))
    errors = [
        {"pointer": f"{_POINTER}/steps/{name}/campaign_id", "detail": "There is no such campaign."}
        for name, campaign_id in wanted.items()
        if campaign_id not in known
    ]
    if errors:
        raise JourneyInvalid(errors=errors)


def _audit(
    session: Session, journey: Journey, action: str, change: dict[str, Any], *, actor: str, now: datetime
) -> None:
    audit.record(session, actor=actor, action=action, target=f"journey:{journey.id}", change=change, now=now)
