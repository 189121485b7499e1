"""Cash of closed wallets on its way to the bank, at the staff door."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from core import clock
from core.db import transaction
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import Instant, MoneySchema, PageArgs, page_of
from wallet.finance import customer_payouts
from wallet.finance.api.movement_schemas import DecisionArgsSchema
from wallet.finance.api.settlement_schemas import BankAccountOfSchema
from wallet.finance.bank_accounts import BankAccount
from wallet.finance.customer_payouts import Kept

blueprint = Blueprint("customer_payouts_staff", __name__, description="Cash of closed wallets on its way to the bank")

_STATUS = validate.OneOf(["waiting", "refused", "agreed", "in_file"])


class CustomerPayoutSchema(Schema):
    """waiting: for a second person's word on the bank account. refused: name another one. agreed: the next payout file
    has it."""

    id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True)
    amount = fields.Nested(MoneySchema(), required=True)
    status = fields.String(required=True, validate=_STATUS)
    set_by = fields.String(required=True)
    set_at = Instant(required=True)
    decided_by = fields.String(required=True, allow_none=True)
    payout_file_id = fields.UUID(required=True, allow_none=True)


class CustomerPayoutPageArgs(PageArgs):
    status = fields.String(load_default=None, validate=_STATUS)


@blueprint.get("/customer-payouts")
@blueprint.arguments(CustomerPayoutPageArgs(), location="query")
@blueprint.response(200, page_of(CustomerPayoutSchema))
@needs("finance.read")
def list_customer_payouts(args: dict[str, Any]) -> dict[str, Any]:
    """Payouts of closed wallets, the latest first; `?status=waiting` is what a second person can decide now."""
    before, limit, now = pages.before(args["cursor"]), args["limit"], clock.now()
    with transaction() as session:
        found = customer_payouts.page(session, status=args["status"], before=before, limit=limit + 1, now=now)
    return pages.page(found, limit, lambda kept: _shown(kept, now=now), at=lambda kept: kept.row.id)


@blueprint.put("/customer-payouts/<uuid:payout_id>/bank-account")
@blueprint.arguments(BankAccountOfSchema())
@blueprint.response(200, CustomerPayoutSchema())
@needs("finance.bank")
def readdress_customer_payout(args: dict[str, Any], payout_id: UUID) -> dict[str, Any]:
    """Name another bank account for a payout that is in no file yet; a second person has to agree to it."""
    actor, now = principals.current().name, clock.now()
    with transaction() as session:
        kept = customer_payouts.readdress(session, payout_id, account=BankAccount(**args), actor=actor, now=now)
        return _shown(kept, now=now)


@blueprint.put("/customer-payouts/<uuid:payout_id>/decision")
@blueprint.arguments(DecisionArgsSchema())
@blueprint.response(200, CustomerPayoutSchema())
@needs("finance.bank_approve")
def decide_customer_payout(args: dict[str, Any], payout_id: UUID) -> dict[str, Any]:
    """Agree to the bank account of a payout that another person named, or refuse it."""
    decided_by, now = principals.current().name, clock.now()
    with transaction() as session:
        kept = customer_payouts.decide(session, payout_id, **args, decided_by=decided_by, now=now)
        return _shown(kept, now=now)


def _shown(kept: Kept, *, now: datetime) -> dict[str, Any]:
    row = kept.row
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "amount": {"amount_minor": row.amount_minor, "currency": row.currency},
        "status": kept.status(now=now),
        "set_by": row.set_by,
        "set_at": row.set_at,
        "decided_by": kept.approval.decided_by,
        "payout_file_id": row.file_id,
    }
