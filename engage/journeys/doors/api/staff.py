"""Doors over the staff door: links, posters, keywords and partners that lead into journeys."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.errors import NotFound
from core.web import pictures, principals
from core.web.doors import needs
from core.web.listings import page
from core.web.schemas import PageArgs, page_of
from engage import links
from engage.journeys.doors import keeping
from engage.journeys.doors.api.schemas import DoorSchema, DoorStatusSchema, NewDoorSchema
from engage.journeys.doors.models import EntryDoor

blueprint = Blueprint("engage_doors_staff", __name__, description="Doors into journeys from outside the app")

_BINARY = {"type": "string", "format": "binary"}


@blueprint.post("/entry-doors")
@blueprint.arguments(NewDoorSchema())
@blueprint.response(201, DoorSchema())
@needs("journeys.write")
def create_entry_door(args: dict[str, Any]) -> EntryDoor:
    """Make a way into journeys from outside the app; a journey's entry names it by its slug."""
    with transaction() as session:
        return keeping.create(session, **args, actor=principals.current().name, now=clock.now())


@blueprint.get("/entry-doors")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(DoorSchema))
@needs("journeys.read")
def list_entry_doors(args: dict[str, Any]) -> dict[str, Any]:
    """All doors, the latest first."""
    with transaction() as session:
        return page(args, lambda before, limit: keeping.list_(session, before=before, limit=limit))


@blueprint.put("/entry-doors/<uuid:door_id>/status")
@blueprint.arguments(DoorStatusSchema())
@blueprint.response(200, DoorSchema())
@needs("journeys.write")
def set_entry_door_status(args: dict[str, Any], door_id: UUID) -> EntryDoor:
    """Open or close a door."""
    with transaction() as session:
        return keeping.set_status(
            session, door_id=door_id, status=args["status"], actor=principals.current().name, now=clock.now()
        )


@blueprint.get("/entry-doors/<uuid:door_id>/poster.png")
@blueprint.response(200, _BINARY, content_type="image/png")
@needs("journeys.read")
def show_entry_door_poster(door_id: UUID) -> Response:
    """A QR that opens the door's page, in the app where a telephone has it. Only links and posters have one."""
    with transaction() as session:
        door = keeping.find(session, door_id)
    if door.kind not in keeping.OPENED:
        raise NotFound
    return Response(pictures.qr_png(links.to_door(door.slug)), content_type="image/png")
