"""Journeys over the staff door."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import demand, needs
from core.web.listings import page
from core.web.schemas import PageArgs, page_of
from engage import journeys
from engage.journeys import checks, drawing, ready, standing
from engage.journeys.api.schemas import (
    ChecksArgsSchema,
    ChecksSchema,
    DraftSchema,
    JourneyChangesSchema,
    JourneyDetailSchema,
    JourneySchema,
    MoveSchema,
    NewJourneySchema,
    NewVersionSchema,
    ReadyListSchema,
    SavedDraftSchema,
    StatusSchema,
    VersionSchema,
)
from engage.journeys.checks import Checks
from engage.journeys.models import Journey, JourneyVersion

blueprint = Blueprint("engage_journeys_staff", __name__, description="Journeys")


@blueprint.post("/journeys")
@blueprint.arguments(NewJourneySchema())
@blueprint.response(201, JourneySchema())
@needs("journeys.write")
def create_journey(args: dict[str, Any]) -> Journey:
    """Begin a journey, from nothing or a ready-made one; nobody enters it until a version is published."""
    with transaction() as session:
        return drawing.begin(session, args, actor=principals.current().name, now=clock.now())


@blueprint.get("/journeys")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(JourneySchema))
@needs("journeys.read")
def list_journeys(args: dict[str, Any]) -> dict[str, Any]:
    """All journeys, the latest first."""
    with transaction() as session:
        return page(args, lambda before, limit: journeys.list_(session, before=before, limit=limit))


@blueprint.get("/journeys/ready")
@blueprint.response(200, ReadyListSchema())
@needs("journeys.read")
def list_ready_journeys() -> dict[str, Any]:
    """Ready-made journeys for each stage of a customer's life, with what must be filled in."""
    return {"items": ready.every()}


@blueprint.get("/journeys/<uuid:journey_id>")
@blueprint.response(200, JourneyDetailSchema())
@needs("journeys.read")
def get_journey(journey_id: UUID) -> dict[str, Any]:
    """A journey with its latest versions and how many customers stand at each step (of many, ten minutes ago)."""
    with transaction() as session:
        journey = journeys.find(session, journey_id)
        members = {name: getattr(journey, name) for name in JourneySchema().fields}
        return {
            **members,
            "versions": journeys.versions_of(session, journey_id),
            **asdict(standing.of_journey(session, journey_id, now=clock.now())),
        }


@blueprint.get("/journeys/<uuid:journey_id>/versions")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(VersionSchema))
@needs("journeys.read")
def list_journey_versions(args: dict[str, Any], journey_id: UUID) -> dict[str, Any]:
    """All that was ever published of a journey, the latest first."""
    with transaction() as session:
        journeys.find(session, journey_id)
        return page(args, lambda before, limit: journeys.versions_of(session, journey_id, before=before, limit=limit))


@blueprint.patch("/journeys/<uuid:journey_id>")
@blueprint.arguments(JourneyChangesSchema())
@blueprint.response(200, JourneySchema())
@needs("journeys.write")
def change_journey(args: dict[str, Any], journey_id: UUID) -> Journey:
    """Change a journey's name, description, stage and spend; its holdout only before the first version."""
    with transaction() as session:
        return journeys.change(
            session, journey_id=journey_id, changes=args, actor=principals.current().name, now=clock.now()
        )


@blueprint.get("/journeys/<uuid:journey_id>/draft")
@blueprint.response(200, DraftSchema())
@needs("journeys.read")
def get_journey_draft(journey_id: UUID) -> Journey:
    """The graph that staff work on, with its revision."""
    with transaction() as session:
        return journeys.find(session, journey_id)


@blueprint.put("/journeys/<uuid:journey_id>/draft")
@blueprint.arguments(SavedDraftSchema())
@blueprint.response(200, DraftSchema())
@needs("journeys.write")
def save_journey_draft(args: dict[str, Any], journey_id: UUID) -> Journey:
    """Keep a graph as it is, faults and all. 409 where somebody else has saved since the revision you saw."""
    with transaction() as session:
        return journeys.save_draft(
            session, journey_id=journey_id, **args, actor=principals.current().name, now=clock.now()
        )


@blueprint.post("/journeys/<uuid:journey_id>/checks")
@blueprint.arguments(ChecksArgsSchema())
@blueprint.response(200, ChecksSchema())
@needs("journeys.read")
def check_journey(args: dict[str, Any], journey_id: UUID) -> Checks:
    """What keeps a graph from being published, and what its author may not have meant; nothing is changed."""
    with transaction() as session:
        return checks.run(session, journey_id=journey_id, raw_graph=args.get("graph"), now=clock.now())


@blueprint.post("/journeys/<uuid:journey_id>/versions")
@blueprint.arguments(NewVersionSchema())
@blueprint.response(201, VersionSchema())
@needs("journeys.write")
def publish_journey(args: dict[str, Any], journey_id: UUID) -> JourneyVersion:
    """Publish a graph or the draft: new customers enter it from now on; say what becomes of those inside."""
    if args["inside"] != "finish":
        demand("journeys.move")
    with transaction() as session:
        return journeys.publish(
            session,
            journey_id=journey_id,
            raw_graph=args.get("graph"),
            raw_inside=args["inside"],
            actor=principals.current().name,
            now=clock.now(),
        )


@blueprint.get("/journeys/<uuid:journey_id>/moves")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(MoveSchema))
@needs("journeys.read")
def list_journey_moves(args: dict[str, Any], journey_id: UUID) -> dict[str, Any]:
    """What became of those inside earlier versions, and how far it has come."""
    with transaction() as session:
        journeys.find(session, journey_id)
        return page(args, lambda before, limit: journeys.moves_of(session, journey_id, before=before, limit=limit))


@blueprint.put("/journeys/<uuid:journey_id>/status")
@blueprint.arguments(StatusSchema())
@blueprint.response(200, JourneySchema())
@needs("journeys.write")
def set_journey_status(args: dict[str, Any], journey_id: UUID) -> Journey:
    """Open a journey to new customers, pause it (those inside go on, or are held), or end it for good."""
    with transaction() as session:
        return journeys.set_status(
            session,
            journey_id=journey_id,
            status=args["status"],
            holds_inside=args["hold_inside"],
            actor=principals.current().name,
            now=clock.now(),
        )
