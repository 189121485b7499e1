"""Refunds at the staff door that wait, since the wallet that had paid was closed."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from core import clock
from core.db import transaction
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import Instant, MoneySchema, PageArgs, page_of
from wallet.finance import diverted_refunds
from wallet.finance.diverted_refunds import Waiting

blueprint = Blueprint("wallet_diverted_refunds", __name__, description="Refunds to wallets that are closed")

_STATUS = validate.OneOf(["waiting", "settled"])


class DivertedRefundSchema(Schema):
    """`amount` stands on brand:suspense while it waits; `adjustment_id`: by which it went to whom it belongs."""

    refund_id = fields.UUID(required=True)
    payment_id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    status = fields.String(required=True, validate=_STATUS)
    diverted_at = Instant(required=True)
    adjustment_id = fields.UUID(required=True, allow_none=True)
    settled_by = fields.String(required=True, allow_none=True)
    settled_at = Instant(required=True, allow_none=True)


class DivertedRefundPageArgs(PageArgs):
    status = fields.String(load_default=None, validate=_STATUS)


class DivertedRefundSettlementSchema(Schema):
    adjustment_id = fields.UUID(required=True)


@blueprint.get("/diverted-refunds")
@blueprint.arguments(DivertedRefundPageArgs(), location="query")
@blueprint.response(200, page_of(DivertedRefundSchema))
@needs("finance.read")
def list_diverted_refunds(args: dict[str, Any]) -> dict[str, Any]:
    """Refunds whose customer closed their wallet, the latest first; `?status=waiting` are for somebody to see to."""
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = diverted_refunds.page(session, status=args["status"], before=before, limit=limit + 1)
    return pages.page(found, limit, _shown, at=lambda waiting: waiting.row.refund_id)


@blueprint.put("/diverted-refunds/<uuid:refund_id>/settlement")
@blueprint.arguments(DivertedRefundSettlementSchema())
@blueprint.response(200, DivertedRefundSchema())
@needs("finance.book")
def settle_diverted_refund(args: dict[str, Any], refund_id: UUID) -> dict[str, Any]:
    """Say by which adjustment out of brand:suspense the money went to whom it belongs."""
    actor, now = principals.current().name, clock.now()
    with transaction() as session:
        return _shown(diverted_refunds.settle(session, refund_id, **args, actor=actor, now=now))


def _shown(waiting: Waiting) -> dict[str, Any]:
    row = waiting.row
    return {
        "refund_id": row.refund_id,
        "payment_id": row.payment_id,
        "customer_id": row.customer_id,
        "amount": {"amount_minor": row.amount, "currency": waiting.currency},
        "status": waiting.status,
        "diverted_at": row.diverted_at,
        "adjustment_id": row.adjustment_id,
        "settled_by": row.settled_by,
        "settled_at": row.settled_at,
    }
