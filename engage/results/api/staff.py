"""Results over the staff door: what journeys, broadcasts and campaigns brought, cost and caused."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs
from engage import journeys
from engage.results import effects, prices, report, smallest, telling
from engage.results.api.schemas import (
    EffectsSchema,
    MessagePriceListSchema,
    MessagePricesSchema,
    ResultsSchema,
    SmallestArgsSchema,
    SmallestSchema,
    SpanArgsSchema,
)
from engage.results.prices import Price
from wallet.assets import brand_currency
from wallet.documents import csv

blueprint = Blueprint("engage_results_staff", __name__, description="What it brought, cost and caused")

_BINARY = {"type": "string", "format": "binary"}


@blueprint.get("/journeys/<uuid:journey_id>/results")
@blueprint.arguments(SpanArgsSchema(), location="query")
@blueprint.response(200, ResultsSchema())
@needs("journeys.read")
def show_journey_results(args: dict[str, Any], journey_id: UUID) -> dict[str, Any]:
    """What a journey brought and cost, by arm, step, variant and day."""
    return _report("journey", journey_id, args)


@blueprint.get("/broadcasts/<uuid:broadcast_id>/results")
@blueprint.arguments(SpanArgsSchema(), location="query")
@blueprint.response(200, ResultsSchema())
@needs("broadcasts.read")
def show_broadcast_results(args: dict[str, Any], broadcast_id: UUID) -> dict[str, Any]:
    """What a broadcast brought and cost, by arm and day."""
    return _report("broadcast", broadcast_id, args)


@blueprint.get("/campaigns/<uuid:campaign_id>/results")
@blueprint.arguments(SpanArgsSchema(), location="query")
@blueprint.response(200, ResultsSchema())
@needs("campaigns.read")
def show_campaign_results(args: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """What a campaign's vouchers, and the messages that brought them, came to by day."""
    return _report("campaign", campaign_id, args)


@blueprint.get("/journeys/<uuid:journey_id>/results.csv")
@blueprint.arguments(SpanArgsSchema(), location="query")
@blueprint.response(200, _BINARY, content_type="text/csv")
@needs("journeys.read")
def export_journey_results(args: dict[str, Any], journey_id: UUID) -> Response:
    """A journey's tallies for a spreadsheet: a line for each day, step, variant, arm, channel, country and measure."""
    return _export("journey", journey_id, args)


@blueprint.get("/broadcasts/<uuid:broadcast_id>/results.csv")
@blueprint.arguments(SpanArgsSchema(), location="query")
@blueprint.response(200, _BINARY, content_type="text/csv")
@needs("broadcasts.read")
def export_broadcast_results(args: dict[str, Any], broadcast_id: UUID) -> Response:
    """A broadcast's tallies for a spreadsheet."""
    return _export("broadcast", broadcast_id, args)


@blueprint.get("/campaigns/<uuid:campaign_id>/results.csv")
@blueprint.arguments(SpanArgsSchema(), location="query")
@blueprint.response(200, _BINARY, content_type="text/csv")
@needs("campaigns.read")
def export_campaign_results(args: dict[str, Any], campaign_id: UUID) -> Response:
    """A campaign's tallies for a spreadsheet."""
    return _export("campaign", campaign_id, args)


@blueprint.get("/journeys/<uuid:journey_id>/effects")
@blueprint.response(200, EffectsSchema())
@needs("journeys.read")
def show_journey_effects(journey_id: UUID) -> dict[str, Any]:
    """What a journey caused, against those held out; look as often as you like."""
    return _effects("journey", journey_id)


@blueprint.get("/broadcasts/<uuid:broadcast_id>/effects")
@blueprint.response(200, EffectsSchema())
@needs("broadcasts.read")
def show_broadcast_effects(broadcast_id: UUID) -> dict[str, Any]:
    """What a broadcast caused within 30 days, against those held out."""
    return _effects("broadcast", broadcast_id)


@blueprint.get("/campaigns/<uuid:campaign_id>/effects")
@blueprint.response(200, EffectsSchema())
@needs("campaigns.read")
def show_campaign_effects(campaign_id: UUID) -> dict[str, Any]:
    """What publishing a campaign to audiences caused within 30 days, against those held out of it."""
    return _effects("campaign", campaign_id)


@blueprint.post("/journeys/<uuid:journey_id>/smallest-effect")
@blueprint.arguments(SmallestArgsSchema())
@blueprint.response(200, SmallestSchema())
@needs("journeys.read")
def find_smallest_effect(args: dict[str, Any], journey_id: UUID) -> dict[str, Any]:
    """The smallest effect that a journey could show, by the orders of the year before; ask before you publish."""
    with transaction() as session:
        journey = journeys.find(session, journey_id)
        return smallest.told(smallest.of_journey(session, journey, **args, now=clock.now()))


@blueprint.get("/message-prices")
@blueprint.response(200, MessagePriceListSchema())
@needs("journeys.read")
def list_message_prices() -> dict[str, Any]:
    """What a message costs by channel and country, from which day on."""
    with transaction() as session:
        return _price_list(prices.all_(session))


@blueprint.put("/message-prices")
@blueprint.arguments(MessagePricesSchema())
@blueprint.response(200, MessagePriceListSchema())
@needs("message_prices.write")
def put_message_prices(args: dict[str, Any]) -> dict[str, Any]:
    """Say what messages cost; results of days gone by follow the new list."""
    given = [Price(each["channel"], each["country"] or "", each["since"], each["micros"]) for each in args["prices"]]
    with transaction() as session:
        return _price_list(prices.put(session, given, actor=principals.current().name, now=clock.now()))


def _report(scope: str, scope_id: UUID, span: dict[str, date | None]) -> dict[str, Any]:
    with transaction() as session:
        return telling.report(report.of(session, scope, scope_id, since=span["since"], until=span["until"]))


def _export(scope: str, scope_id: UUID, span: dict[str, date | None]) -> Response:
    with transaction() as session:
        lines = report.lines(session, scope, scope_id, since=span["since"], until=span["until"])
    response = Response(csv.table(report.HEADER, lines), content_type=csv.CONTENT_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Disposition"] = f'attachment; filename="{scope}-{scope_id}.csv"'
    return response


def _effects(scope: str, scope_id: UUID) -> dict[str, Any]:
    with transaction() as session:
        so_far = report.of(session, scope, scope_id, since=None, until=None)
        # Publishing to an audience sends nothing: messages about a campaign's vouchers are journeys' and broadcasts'.
        cost_minor = 0 if scope == "campaign" else so_far.arms["treated"].message_minor(brand_currency())
        return telling.effects(effects.of(session, scope, scope_id, message_cost_minor=cost_minor, now=clock.now()))


def _price_list(known: list[Price]) -> dict[str, Any]:
    return {
        "currency": brand_currency(),
        "prices": [
            {"channel": each.channel, "country": each.country or None, "since": each.since, "micros": each.micros}
            for each in known
        ],
    }
