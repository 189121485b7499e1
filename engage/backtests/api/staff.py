"""Backtests at the staff door."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from engage.backtests import asking, exporting
from engage.backtests.api.schemas import BacktestArgsSchema, BacktestCustomerSchema, BacktestSchema
from engage.backtests.models import Backtest
from wallet.documents import csv

blueprint = Blueprint("engage_backtests", __name__, description="Journeys played over the past")


@blueprint.post("/journeys/<uuid:journey_id>/backtests")
@blueprint.arguments(BacktestArgsSchema())
@blueprint.response(202, BacktestSchema())
@needs("journeys.read")
def create_backtest(args: dict[str, Any], journey_id: UUID) -> Response:
    """Play a journey over past events, in the background: ask again for its progress. Needs an Idempotency-Key."""
    actor, now = principals.current().name, clock.now()
    raw = args.pop("graph")
    return idempotent.command(
        lambda session: _shown(asking.ask(session, journey_id=journey_id, raw_graph=raw, **args, actor=actor, now=now)),
        schema=BacktestSchema(),
        status=202,
    )


@blueprint.get("/journeys/<uuid:journey_id>/backtests")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(BacktestSchema))
@needs("journeys.read")
def list_backtests(args: dict[str, Any], journey_id: UUID) -> dict[str, Any]:
    """A journey's backtests, the latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = asking.page(session, journey_id, before=before, limit=args["limit"] + 1)
        return pages.page(found, args["limit"], _shown)


@blueprint.get("/backtests/<uuid:backtest_id>")
@blueprint.response(200, BacktestSchema())
@needs("journeys.read")
def show_backtest(backtest_id: UUID) -> dict[str, Any]:
    """A backtest with its progress, and its result once it is done."""
    with transaction() as session:
        return _shown(asking.find(session, backtest_id))


@blueprint.get("/backtests/<uuid:backtest_id>/customers")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(BacktestCustomerSchema))
@needs("journeys.read")
def list_backtest_customers(args: dict[str, Any], backtest_id: UUID) -> dict[str, Any]:
    """Who would have got what, by their ids."""
    after = pages.before(args["cursor"])
    with transaction() as session:
        asking.find(session, backtest_id)
        found = asking.customers(session, backtest_id, after=after, limit=args["limit"] + 1)
        return pages.page(found, args["limit"], at=lambda row: row.customer_id)


@blueprint.get("/backtests/<uuid:backtest_id>/customers.csv")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="text/csv")
@needs("journeys.read")
def export_backtest_customers(backtest_id: UUID) -> Response:
    """Who would have got what, as a file."""
    with transaction() as session:
        asking.find(session, backtest_id)
    response = Response(exporting.parts(backtest_id), content_type=csv.CONTENT_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="backtest-{backtest_id}.csv"'
    return response


def _shown(backtest: Backtest) -> dict[str, Any]:
    names = ("id", "journey_id", "state", "progress_bps", "since", "until", "result", "created_at", "ended_at")
    return {name: getattr(backtest, name) for name in names}
