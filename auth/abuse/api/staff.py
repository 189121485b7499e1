"""Where no codes are sent for now."""

import re
from datetime import datetime
from typing import Any

from flask_smorest import Blueprint

from auth.abuse import stops
from auth.abuse.api.schemas import StopArgsSchema, StopSchema
from auth.abuse.models import OtpStop
from core import clock
from core.db import transaction
from core.errors import InvalidInput, NotFound
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, decode_cursor, page_of

blueprint = Blueprint("abuse_staff", __name__, description="Where no codes are sent for now")

_SCOPE = re.compile(r"country:[A-Z]{2}|prefix:\+[0-9]{1,10}")


@blueprint.get("/abuse/stops")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(StopSchema))
@needs("security.read")
def list_stops(args: dict[str, Any]) -> dict[str, Any]:
    """The countries and prefixes that get no codes, or get some on trial."""
    position = decode_cursor(args["cursor"], str)
    with transaction() as session:
        found = stops.page(session, after=position[0] if position else None, limit=args["limit"] + 1)
    return pages.page([_told(stop) for stop in found], args["limit"], at=lambda stop: stop["scope"])


@blueprint.put("/abuse/stops/<scope>")
@blueprint.arguments(StopArgsSchema())
@blueprint.response(200, StopSchema())
@needs("security.write")
def put_stop(args: dict[str, datetime], scope: str) -> dict[str, Any]:
    """Send no codes to a country ("country:GB") or a prefix ("prefix:+4477009") until then."""
    now = clock.now()
    if args["until"] <= now:
        raise InvalidInput(errors=[{"pointer": "/until", "detail": "Must lie ahead; to lift a stop, DELETE it."}])
    with transaction() as session:
        return _told(stops.put(session, _known(scope), **args, actor=principals.current().name, now=now))


@blueprint.delete("/abuse/stops/<scope>")
@blueprint.response(204)
@needs("security.write")
def lift_stop(scope: str) -> None:
    """Send codes there again."""
    with transaction() as session:
        stops.lift(session, _known(scope), actor=principals.current().name, now=clock.now())


def _known(scope: str) -> str:
    """raises  NotFound for what is no country or prefix"""
    if not _SCOPE.fullmatch(scope):
        raise NotFound
    return scope


def _told(stop: OtpStop) -> dict[str, Any]:
    return {
        "scope": stop.scope,
        "until": stop.until,
        "because": stop.because,
        "stopped_at": stop.stopped_at,
        "sent": stop.sent,
        "used": stop.used,
    }
