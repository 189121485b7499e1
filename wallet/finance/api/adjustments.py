"""Adjustments at the staff door: one person asks, a second one decides."""

from typing import Any
from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from core import clock, steadiness
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.doors import needs
from core.web.schemas import page_of
from wallet.finance import adjustments
from wallet.finance.adjustments import Adjustment
from wallet.finance.api.movement_schemas import (
    AdjustmentArgsSchema,
    AdjustmentPageArgs,
    AdjustmentSchema,
    AskedAdjustmentSchema,
    DecisionArgsSchema,
)

blueprint = Blueprint("wallet_adjustments", __name__, description="Value that staff move by hand, four-eyed")


@blueprint.post("/adjustments")
@blueprint.arguments(AdjustmentArgsSchema())
@blueprint.response(201, AskedAdjustmentSchema())
@idempotent.documented
@needs("adjustments.ask")
def ask_adjustment(args: dict[str, Any]) -> Response:
    """Ask for value to be moved by hand; nothing moves until a second person agrees."""
    actor, now, note, amount = principals.current().name, clock.now(), args.pop("note"), args.pop("amount")
    adjustment = Adjustment(**args, **amount)
    return idempotent.command(
        lambda session: adjustments.shown(
            session, [adjustments.ask(session, adjustment, asked_by=actor, note=note, now=now)], now=now
        )[0],
        # What is kept with the key holds no free text, which is sealed where it stands.
        schema=AskedAdjustmentSchema(),
    )


@blueprint.get("/adjustments")
@blueprint.arguments(AdjustmentPageArgs(), location="query")
@blueprint.response(200, page_of(AdjustmentSchema))
@needs("adjustments.read")
def list_adjustments(args: dict[str, Any]) -> dict[str, Any]:
    """The adjustments, the latest first; `status=waiting` is what a second person can decide now."""
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = adjustments.page(session, before=before, limit=limit + 1, status=args["status"], now=clock.now())
    return pages.page(found, limit, at=lambda adjustment: adjustment["id"])


@blueprint.get("/adjustments/<uuid:adjustment_id>")
@blueprint.response(200, AdjustmentSchema())
@needs("adjustments.read")
def show_adjustment(adjustment_id: UUID) -> dict[str, Any]:
    """An adjustment: what was asked, by whom, and what became of it."""
    with transaction() as session:
        return adjustments.find(session, adjustment_id, now=clock.now())


@blueprint.put("/adjustments/<uuid:adjustment_id>/decision")
@blueprint.arguments(DecisionArgsSchema())
@blueprint.response(200, AdjustmentSchema())
@needs("adjustments.decide")
def decide_adjustment(args: dict[str, Any], adjustment_id: UUID) -> dict[str, Any]:
    """Agree to another person's adjustment, which moves the value now, or refuse it."""
    steadiness.check()
    now = clock.now()
    with transaction() as session:
        decided = adjustments.decide(session, adjustment_id, **args, decided_by=principals.current().name, now=now)
        return adjustments.shown(session, [decided], now=now)[0]


@blueprint.put("/adjustments/<uuid:adjustment_id>/withdrawal")
@blueprint.response(200, AdjustmentSchema())
@needs("adjustments.ask")
def withdraw_adjustment(adjustment_id: UUID) -> dict[str, Any]:
    """Take back what you asked, while nobody has decided it."""
    now = clock.now()
    with transaction() as session:
        taken = adjustments.withdraw(session, adjustment_id, withdrawn_by=principals.current().name, now=now)
        return adjustments.shown(session, [taken], now=now)[0]
