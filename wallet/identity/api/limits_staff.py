"""The limits of each tier, as staff see and set them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth import customers
from core import clock
from core.db import transaction
from core.errors import InvalidInput
from core.web import principals
from core.web.doors import needs
from core.web.schemas import page_of
from wallet import limits
from wallet.identity import limit_rules
from wallet.identity.api import limit_shapes
from wallet.identity.api.limit_schemas import LimitRuleArgsSchema, LimitRuleSchema, LimitsSchema
from wallet.limits.models import LimitRule

blueprint = Blueprint("limits_staff", __name__, description="What customers of each tier may pay, send and load")


@blueprint.get("/limits")
@blueprint.response(200, page_of(LimitRuleSchema))
@needs("limits.read")
def list_limits() -> dict[str, Any]:
    """The limits of every tier, by currency; all on one page."""
    with transaction() as session:
        found: Sequence[LimitRule] = limits.rules(session)
    return {"items": found, "next_cursor": None}


@blueprint.put("/limits/<string:tier>/<string:scope>/<string:currency>")
@blueprint.arguments(LimitRuleArgsSchema())
@blueprint.response(200, LimitRuleSchema())
@needs("limits.write")
def set_limit(args: dict[str, Any], tier: str, scope: str, currency: str) -> LimitRule:
    """Set what a tier may pay, send or load in one currency, from the next transfer on."""
    measures = {name.removesuffix("_minor"): value for name, value in args.items()}
    if scope != "load" and measures["ceiling"] is not None:
        raise InvalidInput(errors=[{"pointer": "/ceiling_minor", "detail": "Only the scope load has a ceiling."}])
    if scope == "load" and measures.get("step_up_above") is not None:
        raise InvalidInput(errors=[{"pointer": "/step_up_above_minor", "detail": "Only pay and send are approved."}])
    with transaction() as session:
        return limit_rules.change(
            session, tier, scope, currency, measures=measures, actor=principals.current().name, now=clock.now()
        )


@blueprint.get("/customers/<uuid:customer_id>/limits")
@blueprint.response(200, LimitsSchema())
@needs("limits.read")
def show_customer_limits(customer_id: UUID) -> dict[str, Any]:
    """Each limit of a customer's tier: how much is used, how much is left, when it renews."""
    with transaction() as session:
        customers.find(session, customer_id)
        return limit_shapes.of_customer(session, customer_id, now=clock.now())
