"""What a store's day came to, as its tills ask for it."""

from dataclasses import asdict
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from rewards.tills import day_ends
from rewards.tills.api.schemas import DayEndArgs, DayEndSchema
from rewards.tills.day_ends import DayEnd, Figures
from wallet.documents import csv
from wallet.finance.api.settlement_shapes import attachment
from wallet.paying.api.shapes import till

blueprint = Blueprint("tills_merchant", __name__, description="What a day at a store came to")


@blueprint.get("/day-end")
@blueprint.arguments(DayEndArgs(), location="query")
@blueprint.response(200, DayEndSchema())
def show_day_end(args: dict[str, Any]) -> dict[str, Any]:
    """What this store took and gave back on a day of its own clock, till by till."""
    found = _found(args)
    return {
        "store_id": found.store_id,
        "date": found.day,
        "time_zone": found.time_zone,
        "since": found.since,
        "until": found.until,
        "totals": [_figures(each) for each in found.totals],
        "tills": [
            {"terminal_id": each.terminal_id, "name": each.name, **_figures(each.figures)} for each in found.tills
        ],
    }


@blueprint.get("/day-end.csv")
@blueprint.arguments(DayEndArgs(), location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="text/csv")
def show_day_end_table(args: dict[str, Any]) -> Response:
    """The same as a table, the sums at its end."""
    found = _found(args)
    name = f"day-end-{found.day.isoformat()}.csv"
    return Response(day_ends.as_csv(found), content_type=csv.CONTENT_TYPE, headers=attachment(name))


def _found(args: dict[str, Any]) -> DayEnd:
    with transaction() as session:
        return day_ends.of(session, till().store_id, args["date"], now=clock.now())


def _figures(figures: Figures) -> dict[str, Any]:
    return {**asdict(figures), "net_minor": figures.net_minor}
