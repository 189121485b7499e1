"""Journeys as staff know them: drawn, changed, paused, ended, and how many customers stand where."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, ids
from core.errors import NotFound
from core.events import announce
from core.notes import Notes
from engage.journeys import currencies, ready, spending, versions
from engage.journeys.errors import (
    DraftMissing,
    DraftOutdated,
    JourneyEnded,
    JourneyFixed,
    JourneyInvalid,
    JourneyNotPublished,
)
from engage.journeys.events import JourneyPaused, JourneyResumed
from engage.journeys.models import Journey, JourneyVersion, VersionMove
from engage.journeys.spending import Spend

#: One customer in ten walks without the journey's effects, so that every journey shows what it brings about.
HOLDOUT_BPS = 1_000
OUTCOME_DAYS = 30

STAGES = ("acquire", "onboard", "serve", "grow", "retain", "win_back")

#: So long after a journey has gone on, a worker that read it before may still put somebody off.
_STRAGGLERS = timedelta(minutes=1)

#: What a journey is told with; the others are listed by pages.
MOST_VERSIONS = 10

_SPEND = "/spend"

#: What says something about the journey's effect, and so stays as it was once somebody walks it.
_FIXED = ("holdout_bps", "outcome_days")


def create(
    session: Session,
    *,
    name: str,
    actor: str,
    now: datetime,
    holdout_bps: int = HOLDOUT_BPS,
    description: str | None = None,
    stage: str | None = None,
    spend: Mapping[str, Any] | None = None,
    outcome_days: int = OUTCOME_DAYS,
    draft: dict[str, Any] | None = None,
) -> Journey:
    """A journey that nobody enters until a version is published.

    units   holdout_bps: basis points of customers held out, 0 to 10 000
    draft   the graph to begin with
    raises  JourneyInvalid for a spend that makes no sense
    """
    journey = Journey(
        id=ids.new(),
        name=name,
        status="draft",
        holdout_bps=holdout_bps,
        live_version_id=None,
        created_at=now,
        description=description,
        stage=stage,
        spend=_spend(spend),
        outcome_days=outcome_days,
        draft=draft,
        draft_revision=0 if draft is None else 1,
    )
    session.add(journey)
    change = {"name": name, "holdout_bps": holdout_bps, "spend": journey.spend}
    record(session, journey, "journey.created", change, actor=actor, now=now)
    return journey


def begin(session: Session, written: Mapping[str, Any], *, actor: str, now: datetime) -> Journey:
    """`create` of what staff wrote, which may name a ready-made journey (`ready`) and what it is filled with
    (`values`).

    raises  JourneyInvalid for an unknown one, and for values that are missing
    """
    given = {name: value for name, value in written.items() if name not in ("ready", "values")}
    if "ready" in written:
        found = ready.find(written["ready"])
        drawn = ready.filled(found, written.get("values", {}))
        given = {"name": found.name, "stage": found.stage, "description": found.description, "draft": drawn, **given}
    return create(session, **given, actor=actor, now=now)


def change(session: Session, *, journey_id: UUID, changes: Mapping[str, Any], actor: str, now: datetime) -> Journey:
    """Set what is named in `changes`: name, description, stage, spend; before the first version also holdout_bps and
    outcome_days.

    raises  NotFound; JourneyEnded; JourneyFixed; JourneyInvalid
    """
    journey = locked(session, journey_id)
    if journey.status == "ended":
        raise JourneyEnded
    if "spend" in changes:
        changes = {**changes, "spend": _spend(changes["spend"])}
        _check_currency(session, journey, spending.of(changes["spend"]))
    if journey.status != "draft" and any(
        getattr(journey, name) != changes.get(name, getattr(journey, name)) for name in _FIXED
    ):
        raise JourneyFixed

    before = {name: getattr(journey, name) for name in changes}
    for name, value in changes.items():
        setattr(journey, name, value)
    told = {name: {"from": before[name], "to": value} for name, value in changes.items() if before[name] != value}
    if told:
        record(session, journey, "journey.changed", told, actor=actor, now=now)
    return journey


def save_draft(
    session: Session, *, journey_id: UUID, graph: dict[str, Any], revision: int, actor: str, now: datetime
) -> Journey:
    """Keep a graph that is being worked on, as it is: it may be full of faults until it is published.

    revision  of the draft that its author saw last; 0 where there was none
    raises    NotFound; JourneyEnded; DraftOutdated where somebody else saved meanwhile
    """
    journey = locked(session, journey_id)
    if journey.status == "ended":
        raise JourneyEnded
    if journey.draft_revision != revision:
        raise DraftOutdated(draft_revision=journey.draft_revision)
    journey.draft, journey.draft_revision = graph, revision + 1
    record(session, journey, "journey.draft_saved", {"revision": revision + 1}, actor=actor, now=now)
    return journey


def draft_of(journey: Journey) -> dict[str, Any]:
    """raises  DraftMissing"""
    if journey.draft is None:
        raise DraftMissing
    return journey.draft


def set_status(
    session: Session, *, journey_id: UUID, status: str, actor: str, now: datetime, holds_inside: bool = False
) -> Journey:
    """Open a journey to new customers (live), close it (paused: those inside go on), or end it for good (ended: those
    inside leave at their next step).

    holds_inside  of “paused”: those inside stand still as well, until it is opened again
    raises        NotFound; JourneyNotPublished; JourneyEnded
    effects       announces journey.paused or journey.resumed
    """
    journey = locked(session, journey_id)
    if journey.status == "draft":
        raise JourneyNotPublished
    if journey.status == "ended" and status != "ended":
        raise JourneyEnded
    is_holding = status == "paused" and holds_inside
    because = "staff" if status == "paused" else None
    if (journey.status, journey.is_holding, journey.paused_because) == (status, is_holding, because):
        return journey

    told: dict[str, Any] = {"from": journey.status, "to": status}
    if is_holding != journey.is_holding:
        told["is_holding"] = is_holding
    if journey.status == status and because != journey.paused_because:
        told["because"] = {"from": journey.paused_because, "to": because}
    if journey.is_holding and not is_holding:
        journey.wakes_until = now + _STRAGGLERS
    was, journey.status, journey.is_holding = journey.status, status, is_holding
    journey.paused_because = because
    record(session, journey, "journey.status_set", told, actor=actor, now=now)
    if was != status and status == "paused":
        announce(session, JourneyPaused(occurred_at=now, journey_id=journey.id, because="staff"))
    elif was == "paused" and status == "live":
        announce(session, JourneyResumed(occurred_at=now, journey_id=journey.id, because="staff"))
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


def versions_of(
    session: Session, journey_id: UUID, *, before: UUID | None = None, limit: int = MOST_VERSIONS
) -> Sequence[JourneyVersion]:
    """The latest first."""
    query = select(JourneyVersion).where(JourneyVersion.journey_id == journey_id)
    if before is not None:
        query = query.where(JourneyVersion.id < before)
    return session.scalars(query.order_by(JourneyVersion.id.desc()).limit(limit)).all()


def moves_of(session: Session, journey_id: UUID, *, before: UUID | None, limit: int) -> Sequence[VersionMove]:
    """What became of those inside, the latest publication first."""
    query = select(VersionMove).where(VersionMove.journey_id == journey_id).order_by(VersionMove.id.desc())
    if before is not None:
        query = query.where(VersionMove.id < before)
    return session.scalars(query.limit(limit)).all()


def locked(session: Session, journey_id: UUID) -> Journey:
    """raises  NotFound"""
    # Not its key: customers who enter meanwhile name it, and must not wait until a publication has checked everything.
    journey = session.get(Journey, journey_id, with_for_update={"key_share": True})
    if journey is None:
        raise NotFound
    return journey


def record(
    session: Session, journey: Journey, action: str, change: dict[str, Any], *, actor: str, now: datetime
) -> None:
    audit.record(session, actor=actor, action=action, target=f"journey:{journey.id}", change=change, now=now)


def _spend(raw: Any) -> dict[str, Any] | None:
    """A spend as it is kept: with its currency, whatever the brand's is one day.

    raises  JourneyInvalid
    """
    if raw is None:
        return None
    notes = Notes(_SPEND)
    given = spending.parse(raw, notes)
    if notes.errors:
        raise JourneyInvalid(errors=notes.errors)
    return asdict(given)


def _check_currency(session: Session, journey: Journey, spend: Spend | None) -> None:
    """raises  JourneyInvalid where the live version gives what the spend cannot count"""
    if spend is None or journey.live_version_id is None:
        return
    notes = Notes(_SPEND).at("currency")
    for step, currency in currencies.uncounted(
        session, versions.graph_of(session, journey.live_version_id), spend
    ).items():
        notes.say(f"The live version gives {currency} at “{step}”, which a spend in {spend.currency} cannot count.")
    if notes.errors:
        raise JourneyInvalid(errors=notes.errors)
