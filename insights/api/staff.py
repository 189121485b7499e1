"""What staff see of a customer, and of the brand as a whole."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app
from flask_smorest import Blueprint

from auth import customers, emails
from core.db import transaction
from core.errors import InvalidInput
from core.web.doors import needs
from core.web.schemas import decode_cursor, encode_cursor, page_of
from insights import figures, profiles, timeline
from insights.api.schemas import (
    FindCustomersArgs,
    FoundCustomerSchema,
    MomentSchema,
    ProfileSchema,
    SummaryArgs,
    SummarySchema,
    TimelineArgs,
)
from insights.figures import Summary
from insights.profiles import Profile
from insights.timeline import Wanted

blueprint = Blueprint("insights_staff", __name__, description="Customers, their timelines, and the brand's figures")


@blueprint.get("/customers")
@blueprint.arguments(FindCustomersArgs(), location="query")
@blueprint.response(200, page_of(FoundCustomerSchema))
@needs("customers.read")
def find_customers(args: dict[str, Any]) -> dict[str, Any]:
    """Find the customer of a phone number, or of an e-mail address that they proved."""
    with transaction() as session:
        customer_id = customers.by_phone(session, **args) if "phone" in args else emails.by_email(session, **args)
    return {"items": [{"id": customer_id}] if customer_id else [], "next_cursor": None}


@blueprint.get("/customers/<uuid:customer_id>/profile")
@blueprint.response(200, ProfileSchema())
@needs("customers.read")
def get_profile(customer_id: UUID) -> Profile:
    """What is known of a customer: phase, first touch, orders, revenue, traits."""
    with transaction() as session:
        return profiles.of(session, customer_id)


@blueprint.get("/customers/<uuid:customer_id>/timeline")
@blueprint.arguments(TimelineArgs(), location="query")
@blueprint.response(200, page_of(MomentSchema))
@needs("customers.read")
def get_timeline(args: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """Everything that a customer did or that was done for them, the latest first."""
    position = decode_cursor(args["cursor"], datetime.fromisoformat, UUID)
    after = (position[0], position[1]) if position else None
    wanted = Wanted(**{name: args[name] for name in ("names", "kinds", "sources", "since", "until")})
    with transaction() as session:
        customers.find(session, customer_id)
        found = timeline.of(session, customer_id, after=after, limit=args["limit"] + 1, wanted=wanted)
    items = found[: args["limit"]]
    more = len(found) > len(items)
    return {
        "items": items,
        "next_cursor": encode_cursor(items[-1].occurred_at.isoformat(), items[-1].id) if more else None,
    }


@blueprint.get("/insights/summary")
@blueprint.arguments(SummaryArgs(), location="query")
@blueprint.response(200, SummarySchema())
@needs("insights.read")
def get_summary(args: dict[str, Any]) -> dict[str, Any]:
    """Sales, orders and customers by day, who paid, and how many customers are in each phase."""
    settings = current_app.extensions["settings"]
    if args["since"] >= args["until"]:
        raise InvalidInput(errors=[{"pointer": "/until", "detail": "Must be later than since."}])
    with transaction() as session:
        found = figures.summary(
            session,
            currency=args["currency"] or settings.brand_currency,
            since=args["since"],
            until=args["until"],
            time_zone=settings.time_zone,
        )
    return _shown(found)


def _shown(found: Summary) -> dict[str, Any]:
    return {
        "since": found.since,
        "until": found.until,
        "sales": _money_in(asdict(found.sales), found.currency),
        "days": [{"day": day, **_money_in(asdict(sales), found.currency)} for day, sales in found.days],
        "ledger": _money_in(asdict(found.ledger), found.currency),
        "funnel": found.funnel,
    }


def _money_in(figures: dict[str, int], currency: str) -> dict[str, Any]:
    """Each `…_minor` figure as money; counts stay."""
    return {
        name.removesuffix("_minor"): {"amount_minor": value, "currency": currency} if name.endswith("_minor") else value
        for name, value in figures.items()
    }
