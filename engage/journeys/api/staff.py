"""Journeys over the staff door."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs
from core.web.listings import page
from core.web.schemas import PageArgs, page_of
from engage import journeys
from engage.journeys.api.schemas import (
    JourneyDetailSchema,
    JourneySchema,
    NewJourneySchema,
    NewVersionSchema,
    StatusSchema,
    VersionSchema,
)
from engage.journeys.models import Journey, JourneyVersion

blueprint = Blueprint("engage_journeys_staff", __name__, description="Journeys")


@blueprint.post("/journeys")
@blueprint.arguments(NewJourneySchema())
@blueprint.response(201, JourneySchema())
@needs("journeys.write")
def create_journey(args: dict[str, Any]) -> Journey:
    """Begin a journey; nobody enters it until a version is published."""
    with transaction() as session:
        return journeys.create(session, **args, actor=principals.current().name, now=clock.now())


@blueprint.get("/journeys")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(JourneySchema))
@needs("journeys.read")
def list_journeys(args: dict[str, Any]) -> dict[str, Any]:
    """All journeys, the latest first."""
    with transaction() as session:
        return page(args, lambda before, limit: journeys.list_(session, before=before, limit=limit))


@blueprint.get("/journeys/<uuid:journey_id>")
@blueprint.response(200, JourneyDetailSchema())
@needs("journeys.read")
def get_journey(journey_id: UUID) -> dict[str, Any]:
    """A journey with its versions and how many customers stand at each step."""
    with transaction() as session:
        journey = journeys.find(session, journey_id)
        members = {name: getattr(journey, name) for name in JourneySchema().fields}
        return {
            **members,
            "versions": journeys.versions_of(session, journey_id),
            "counts": journeys.counts_of(session, journey_id),
        }


@blueprint.post("/journeys/<uuid:journey_id>/versions")
@blueprint.arguments(NewVersionSchema())
@blueprint.response(201, VersionSchema())
@needs("journeys.write")
def publish_journey(args: dict[str, Any], journey_id: UUID) -> JourneyVersion:
    """Publish a version: new customers enter it from now on, those inside finish theirs."""
    with transaction() as session:
        return journeys.publish(
            session,
            journey_id=journey_id,
            raw_graph=args["graph"],
            actor=principals.current().name,
            now=clock.now(),
        )


@blueprint.put("/journeys/<uuid:journey_id>/status")
@blueprint.arguments(StatusSchema())
@blueprint.response(200, JourneySchema())
@needs("journeys.write")
def set_journey_status(args: dict[str, Any], journey_id: UUID) -> Journey:
    """Open a journey to new customers, pause it (those inside go on), or end it for good."""
    with transaction() as session:
        return journeys.set_status(
            session, journey_id=journey_id, status=args["status"], actor=principals.current().name, now=clock.now()
        )
