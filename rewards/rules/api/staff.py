"""What marketing staff do with rules: save them, change them, try them on a basket."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import pages, principals
from core.web.doors import demand, needs
from core.web.schemas import PageArgs, page_of
from rewards.api import shapes
from rewards.rules import checking, leaves, saved, uses
from rewards.rules.api.schemas import (
    RuleArgsSchema,
    RuleCheckArgsSchema,
    RuleCheckSchema,
    RuleDetailSchema,
    RuleFactsSchema,
    RuleSchema,
)
from rewards.rules.models import SavedRule

blueprint = Blueprint("rules_staff", __name__, description="Rules that campaigns go by")


@blueprint.post("/rules")
@blueprint.arguments(RuleArgsSchema())
@blueprint.response(201, RuleSchema())
@needs("rules.write")
def create_rule(args: dict[str, Any]) -> SavedRule:
    """Save a rule, so that campaigns and other rules can use it by its id."""
    with transaction() as session:
        return saved.create(session, **args, actor=principals.current().name, now=clock.now())


@blueprint.get("/rules")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(RuleSchema))
@needs("rules.read")
def list_rules(args: dict[str, Any]) -> dict[str, Any]:
    """The saved rules, latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        return pages.page(saved.page(session, before=before, limit=args["limit"] + 1), args["limit"])


@blueprint.get("/rules/facts")
@blueprint.response(200, RuleFactsSchema())
@needs("rules.read")
def list_rule_facts() -> dict[str, Any]:
    """Everything that a condition may ask about."""
    return {"items": leaves.described()}


@blueprint.get("/rules/<uuid:rule_id>")
@blueprint.response(200, RuleDetailSchema())
@needs("rules.read")
def show_rule(rule_id: UUID) -> dict[str, Any]:
    """A saved rule, with who uses it."""
    with transaction() as session:
        rule = saved.find(session, rule_id)
        used = uses.of_rule(session, rule_id)
        members = {name: getattr(rule, name) for name in RuleSchema().fields}
        return members | {"campaigns": used.campaigns, "rules": used.rules}


@blueprint.put("/rules/<uuid:rule_id>")
@blueprint.arguments(RuleArgsSchema())
@blueprint.response(200, RuleSchema())
@needs("rules.write")
def change_rule(args: dict[str, Any], rule_id: UUID) -> SavedRule:
    """Write a rule anew; the campaigns that use it go by the new one at once."""
    with transaction() as session:
        return saved.change(session, rule_id=rule_id, **args, actor=principals.current().name, now=clock.now())


@blueprint.delete("/rules/<uuid:rule_id>")
@blueprint.response(204)
@needs("rules.write")
def remove_rule(rule_id: UUID) -> None:
    """Remove a rule that nothing uses."""
    with transaction() as session:
        saved.remove(session, rule_id=rule_id, actor=principals.current().name, now=clock.now())


@blueprint.post("/rules/checks")
@blueprint.arguments(RuleCheckArgsSchema())
@blueprint.response(200, RuleCheckSchema())
@needs("rules.read")
def check_rule(args: dict[str, Any]) -> dict[str, Any]:
    """Try a condition on a basket: whether it is met, and why. Nothing is changed."""
    if args["customer_id"] is not None:
        demand("customers.read")
    asked = args | {"basket": shapes.basket(args["basket"]), "at": args["at"] or clock.now()}
    with transaction() as session:
        reason = checking.check(session, **asked)
    return {"is_met": reason["is_met"], "reason": reason}
