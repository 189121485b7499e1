"""A second person's word on where money is paid: before it no bank account holds, whoever set it.

Who could set an account and make the file alone could pay themselves.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from auth import approvals
from auth.models import Approval

KIND = "wallet.bank_account"

#: So long may a second person take.
TIME_TO_DECIDE = timedelta(days=7)


def ask(
    session: Session,
    *,
    subject: dict[str, Any],
    sealed: bytes,
    asked_by: str,
    now: datetime,
    customer_id: UUID | None = None,
) -> Approval:
    """Ask a second person to agree to an account.

    subject  whose it is, without its numbers
    sealed   the account as it is kept, so that nobody agrees to one and another is paid
    effects  announces approval.asked; audited
    """
    return approvals.ask(
        session,
        kind=KIND,
        subject=subject,
        fingerprint=_fingerprint(sealed),
        asked_by=asked_by,
        expires_at=now + TIME_TO_DECIDE,
        now=now,
        customer_id=customer_id,
    )


def decide(
    session: Session,
    approval_id: UUID,
    *,
    sealed: bytes,
    approve: bool,
    reason: str | None,
    decided_by: str,
    outcome: dict[str, Any],
    now: datetime,
) -> Approval:
    """A second person's word; with a yes the account holds at once. Repeated by whoever gave it, it is the same.

    raises   SelfApproval, AlreadyDecided, ApprovalLapsed, ApprovalMismatch
    effects  announces approval.decided and approval.used; audited
    """
    approval = approvals.find(session, approval_id, kind=KIND)
    said = approvals.APPROVED if approve else approvals.REFUSED
    if (approval.status, approval.decided_by) == (said, decided_by):
        return approval
    approval = approvals.decide(
        session, approval_id, kind=KIND, decided_by=decided_by, approve=approve, reason=reason, now=now
    )
    if approve:
        approvals.consume(
            session, approval_id, kind=KIND, fingerprint=_fingerprint(sealed), used_by=decided_by, now=now,
            outcome=outcome,
        )  # fmt: skip
    return approval


def agreed(approval_id: InstrumentedAttribute[UUID] | InstrumentedAttribute[UUID | None]) -> ColumnElement[bool]:
    """Whether a second person has agreed to the row of this column."""
    return select(Approval).where(Approval.id == approval_id, Approval.used_at.is_not(None)).exists()


def standing(approval: Approval, *, now: datetime) -> str:
    """As it is shown: "waiting", "holding", "refused" or "lapsed"."""
    if approval.used_at is not None:
        return "holding"
    if approval.status == approvals.WAITING:
        return "waiting" if now < approval.expires_at else "lapsed"
    return "refused"


def _fingerprint(sealed: bytes) -> bytes:
    return hashlib.sha256(sealed).digest()
