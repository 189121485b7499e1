"""Refunds of top-ups in doubt, found and settled by staff with what the provider's own console shows."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.errors import NotFound
from wallet.topups import refunds
from wallet.topups.errors import TopupRefundNotInDoubt
from wallet.topups.models import Topup, TopupRefund

NOT_REFUNDED = "not_refunded"


def list_(session: Session, *, state: str | None, before: UUID | None, limit: int) -> Sequence[tuple[TopupRefund, str]]:
    """Refunds with their currencies, the latest first. before: the last id of the page before."""
    query = select(TopupRefund, Topup.currency).join(Topup, Topup.id == TopupRefund.topup_id)
    if state is not None:
        query = query.where(TopupRefund.state == state)
    if before is not None:
        query = query.where(TopupRefund.id < before)
    return [(row[0], row[1]) for row in session.execute(query.order_by(TopupRefund.id.desc()).limit(limit))]


def settle(
    session: Session, refund_id: UUID, *, is_refunded: bool, provider_reference: str | None, actor: str, now: datetime
) -> tuple[TopupRefund, str]:
    """What an operator found out at the provider: it gave the money back, or it did not, and then the customer gets it
    again. The same again is no fault. Returns the currency, too.

    raises   NotFound; TopupRefundNotInDoubt when it was decided otherwise, or the provider is being asked just now;
             PostingRefused when the customer's account takes nothing
    effects  audited; the customer's money pays what they owe first
    """
    found = session.get(TopupRefund, refund_id)
    if found is None:
        raise NotFound
    # In the order that the provider's answers and notices lock them in.
    topup = session.get_one(Topup, found.topup_id, with_for_update=True)
    refund = session.get_one(TopupRefund, refund_id, with_for_update=True, populate_existing=True)
    wanted = "succeeded" if is_refunded else "failed"
    if refund.state == wanted:
        return refund, topup.currency
    is_leased = refund.lease_until is not None and refund.lease_until > now
    if refund.state != "in_doubt" or is_leased:
        raise TopupRefundNotInDoubt

    audit.record(
        session,
        actor=actor,
        action="topup_refund.settle",
        target=f"topup_refund:{refund_id}",
        change={"refunded": is_refunded, "provider_reference": provider_reference},
        now=now,
    )
    refund.provider_reference = provider_reference or refund.provider_reference
    if is_refunded:
        refund.state, refund.due_at, refund.lease_token, refund.lease_until = wanted, None, None, None
    else:
        # What the provider told meanwhile may have been passed over on account of this one.
        topup.claw_due_at = now
        refunds.fail(session, topup, refund.amount_minor, refund=refund, code=NOT_REFUNDED, now=now)
    return refund, topup.currency
