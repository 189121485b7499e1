"""Refunds that wait in the brand's suspense, since the wallet that had paid was closed: found, and settled.

Staff give the money to whom it belongs by an adjustment out of `brand:suspense`, to which a second person agrees; by
naming it here, the refund waits no longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from auth import approvals
from auth.models import Approval
from core import audit
from core.errors import NotFound
from wallet.diversion_models import DivertedRefund
from wallet.finance import adjustments
from wallet.finance.errors import AdjustmentUnfit, DivertedRefundSettled
from wallet.models import Account

Status = Literal["waiting", "settled"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A refund's part that belongs to somebody whose wallet is closed. units: amount_minor of `currency`"""

    row: DivertedRefund
    currency: str

    @property
    def status(self) -> Status:
        return "waiting" if self.row.settled_at is None else "settled"


def page(session: Session, *, status: Status | None, before: UUID | None, limit: int) -> Sequence[Waiting]:
    """The latest first."""
    query = _query().order_by(DivertedRefund.refund_id.desc()).limit(limit)
    if status is not None:
        is_settled = DivertedRefund.settled_at.is_not(None)
        query = query.where(is_settled if status == "settled" else ~is_settled)
    if before is not None:
        query = query.where(DivertedRefund.refund_id < before)
    return [Waiting(*row) for row in session.execute(query)]


def settle(session: Session, refund_id: UUID, *, adjustment_id: UUID, actor: str, now: datetime) -> Waiting:
    """Say by which adjustment the money went to whom it belongs; again with the same answer.

    raises   NotFound; DivertedRefundSettled by another one; AdjustmentUnfit unless it moved exactly this out of
             suspense, for this refund alone
    effects  audited
    """
    row = session.execute(_query().where(DivertedRefund.refund_id == refund_id).with_for_update(of=DivertedRefund))
    found = row.one_or_none()
    if found is None:
        raise NotFound
    waiting = Waiting(*found)
    diverted = waiting.row
    if diverted.adjustment_id == adjustment_id:
        return waiting
    if diverted.adjustment_id is not None:
        raise DivertedRefundSettled(adjustment_id=str(diverted.adjustment_id))
    # Locked, so that of two refunds which name it one is first.
    adjustment = session.get(Approval, adjustment_id, with_for_update=True)
    if adjustment is None or not _fits(adjustment, waiting) or _is_used(session, adjustment_id):
        raise AdjustmentUnfit

    diverted.adjustment_id, diverted.settled_by, diverted.settled_at = adjustment_id, actor, now
    session.flush()
    target, change = f"refund:{refund_id}", {"adjustment_id": str(adjustment_id)}
    audit.record(session, actor=actor, action="diverted_refund.settle", target=target, change=change, now=now)
    return waiting


def _query() -> Select[DivertedRefund, str]:
    """Those that somebody waits for."""
    joined = select(DivertedRefund, Account.asset).join(Account, Account.id == DivertedRefund.target_id)
    return joined.where(~DivertedRefund.is_lapsed)


def _fits(adjustment: Approval, waiting: Waiting) -> bool:
    subject = adjustment.subject
    return (
        adjustment.kind == adjustments.KIND
        and adjustment.status == approvals.APPROVED
        and subject["from"] == "brand:suspense"
        and subject["amount"] == {"amount_minor": waiting.row.amount, "currency": waiting.currency}
        and adjustment.asked_at >= waiting.row.diverted_at
    )


def _is_used(session: Session, adjustment_id: UUID) -> bool:
    return bool(
        session.scalar(select(DivertedRefund.refund_id).where(DivertedRefund.adjustment_id == adjustment_id).limit(1))
    )
