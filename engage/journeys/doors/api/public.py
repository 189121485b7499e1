"""The page behind a door's link and poster, for a telephone without the app."""

from flask import Response
from flask_smorest import Blueprint

from core.db import transaction
from core.web import landing
from engage.journeys.doors import keeping

blueprint = Blueprint("engage_doors_public", __name__, description="Pages of doors into journeys")
landing.show_for_wrong_links(blueprint, "show_entry_door")


@blueprint.get("/e/<slug>")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_entry_door(slug: str) -> Response:
    """The page behind a link or poster. A telephone that has the app opens the app instead (a universal link)."""
    with transaction() as session:
        door = keeping.by_slug(session, slug, kinds=keeping.OPENED)
    return landing.page(landing.loud(door.name), "Get the app, sign up, and open this link again to come in.")
