"""Publishing: a graph becomes a version that is never changed, and it is said what becomes of those inside."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import ids
from core.events import announce
from engage.journeys import checking, drawing, graph, inside, spending, versions
from engage.journeys.errors import JourneyEnded, JourneyInvalid
from engage.journeys.events import JourneyPublished
from engage.journeys.graph import Graph
from engage.journeys.inside import Inside
from engage.journeys.models import Journey, JourneyVersion, VersionMove

#: Where staff send the graph and what becomes of those inside: faults are JSON pointers into the request's body.
POINTER = "/graph"
INSIDE_POINTER = "/inside"


def publish(
    session: Session,
    *,
    journey_id: UUID,
    actor: str,
    now: datetime,
    raw_graph: dict[str, Any] | None = None,
    raw_inside: Any = "finish",
) -> JourneyVersion:
    """Let customers enter a new version from now on.

    raw_graph   None: the draft
    raw_inside  "finish", "exit" or {"migrate": {old step: new step or null}}
    raises      NotFound; JourneyEnded; DraftMissing; JourneyInvalid and MoveInvalid naming every fault
    effects     announces journey.published; what moves those inside is due at once
    """
    journey = drawing.locked(session, journey_id)
    if journey.status == "ended":
        raise JourneyEnded
    raw = drawing.draft_of(journey) if raw_graph is None else raw_graph
    drawn = graph.parse(raw, pointer=POINTER)
    if faults := checking.faults(session, drawn, pointer=POINTER, spend=spending.of(journey.spend)):
        raise JourneyInvalid(errors=faults)
    # Who stands in a version that this release does not understand any more can still be let out.
    old = _live(session, journey) if isinstance(raw_inside, dict) else None
    those_inside = inside.parse(raw_inside, old=old, new=drawn, pointer=INSIDE_POINTER)

    version = JourneyVersion(
        id=ids.new(),
        journey_id=journey_id,
        number=(session.scalar(_LATEST.where(JourneyVersion.journey_id == journey_id)) or 0) + 1,
        graph=raw,
        published_by=actor,
        published_at=now,
    )
    replaced = journey.live_version_id
    session.add(version)
    session.flush()
    journey.live_version_id = version.id
    if journey.status == "draft":
        journey.status = "live"
    if raw_graph is None:
        journey.draft = None
    _move(session, journey, version, those_inside, replaced, actor=actor, now=now)
    change = {"version_id": str(version.id), "number": version.number, "inside": those_inside.how}
    drawing.record(session, journey, "journey.published", change, actor=actor, now=now)
    announce(
        session,
        JourneyPublished(
            occurred_at=now,
            journey_id=journey_id,
            version_id=version.id,
            number=version.number,
            inside=those_inside.how,
        ),
    )
    # The last of all: whoever reads or changes what is counted waits for the row that this writes.
    checking.watch(session, drawn, now=now)
    return version


_LATEST = select(func.max(JourneyVersion.number))


def _live(session: Session, journey: Journey) -> Graph | None:
    return None if journey.live_version_id is None else versions.graph_of(session, journey.live_version_id)


def _move(
    session: Session,
    journey: Journey,
    version: JourneyVersion,
    those_inside: Inside,
    replaced: UUID | None,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Have those inside moved: out of every earlier version, or from the one that is replaced into the new one."""
    if those_inside.how == "finish":
        return
    if those_inside.how == "exit":
        query = select(JourneyVersion.id).where(
            JourneyVersion.journey_id == journey.id, JourneyVersion.number < version.number
        )
        left = list(session.scalars(query.order_by(JourneyVersion.number)))
    else:
        left = [replaced] if replaced else []
    for version_id in left:
        session.add(
            VersionMove(
                id=ids.new(),
                journey_id=journey.id,
                from_id=version_id,
                to_id=version.id if those_inside.how == "migrate" else None,
                how=those_inside.how,
                map=dict(those_inside.map),
                asked_by=actor,
                asked_at=now,
                state="waiting",
                due_at=now,
            )
        )
