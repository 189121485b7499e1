"""What staff see and do of top-ups: list them, give them back, settle those in doubt."""

from typing import Any
from uuid import UUID

from flask import current_app
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import idempotent, pages, principals
from core.web.doors import needs
from core.web.schemas import page_of
from wallet import topups
from wallet.api.guards import refuse_when_off
from wallet.api.shapes import replay_header
from wallet.topups import refunds, settling, settling_refunds
from wallet.topups.api import shapes
from wallet.topups.api.schemas import (
    RefundSettlementSchema,
    StaffRefundArgsSchema,
    StaffRefundsArgsSchema,
    StaffRefundSchema,
    StaffTopupsArgsSchema,
    StaffTopupSchema,
    TopupSettlementSchema,
)

blueprint = Blueprint("topups_staff", __name__, description="Top-ups")


@blueprint.get("/topups")
@blueprint.arguments(StaffTopupsArgsSchema(), location="query")
@blueprint.response(200, page_of(StaffTopupSchema))
@needs("topups.read")
def list_topups(args: dict[str, Any]) -> dict[str, Any]:
    """Top-ups, the latest first; `?status=in_doubt` are those that somebody has to look up at the provider."""
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = topups.list_(
            session,
            state=args["status"],
            customer_id=args["customer_id"],
            before=before,
            limit=limit + 1,
        )
    return pages.page(found, limit, shapes.staff_topup)


@blueprint.post("/topups/<uuid:topup_id>/refunds")
@blueprint.arguments(StaffRefundArgsSchema())
@blueprint.response(201, StaffRefundSchema())
@idempotent.documented
@needs("topups.refund")
def refund_topup(args: dict[str, Any], topup_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Give a top-up back to the card, whole or in part, out of the customer's cash."""
    refuse_when_off()
    given = refunds.give(
        topup_id,
        amount_minor=args["amount_minor"],
        principal=principals.current().name,
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        gateway=current_app.extensions["gateways"].payments,
        now=clock.now(),
    )
    return shapes.staff_refund(given.refund, given.currency), replay_header(given.replayed)


@blueprint.put("/topups/<uuid:topup_id>/settlement")
@blueprint.arguments(TopupSettlementSchema())
@blueprint.response(200, StaffTopupSchema())
@needs("topups.settle")
def settle_topup(args: dict[str, Any], topup_id: UUID) -> dict[str, Any]:
    """Settle a top-up in doubt with what the provider's own console shows; the provider is not asked again."""
    with transaction() as session:
        settled = settling.settle(
            session,
            topup_id,
            is_charged=args["charged"],
            provider_reference=args["provider_reference"],
            actor=principals.current().name,
            now=clock.now(),
        )
    return shapes.staff_topup(settled)


@blueprint.get("/topup-refunds")
@blueprint.arguments(StaffRefundsArgsSchema(), location="query")
@blueprint.response(200, page_of(StaffRefundSchema))
@needs("topups.read")
def list_topup_refunds(args: dict[str, Any]) -> dict[str, Any]:
    """Top-ups given back, the latest first; `?status=in_doubt` are those that somebody may have to look up."""
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = settling_refunds.list_(session, state=args["status"], before=before, limit=limit + 1)
    return pages.page(found, limit, lambda row: shapes.staff_refund(*row), at=lambda row: row[0].id)


@blueprint.put("/topup-refunds/<uuid:refund_id>/settlement")
@blueprint.arguments(RefundSettlementSchema())
@blueprint.response(200, StaffRefundSchema())
@needs("topups.settle")
def settle_topup_refund(args: dict[str, Any], refund_id: UUID) -> dict[str, Any]:
    """Settle a refund in doubt with what the provider's own console shows; not refunded, the customer gets it again."""
    with transaction() as session:
        refund, currency = settling_refunds.settle(
            session,
            refund_id,
            is_refunded=args["refunded"],
            provider_reference=args["provider_reference"],
            actor=principals.current().name,
            now=clock.now(),
        )
    return shapes.staff_refund(refund, currency)
