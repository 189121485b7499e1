"""Recovery: who lost their number and everything else that signs them in asks the brand's staff, of whom two agree."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import approvals, customers
from auth.models import Approval
from auth.native import numbers
from auth.native.models import NumberChange
from core import crypto
from core.errors import NotFound

KIND = "auth.number_change"
#: So long may a second person take.
TIME_TO_DECIDE = timedelta(days=3)


def ask(session: Session, customer_id: UUID, *, phone: str, note: str, asked_by: str, now: datetime) -> Approval:
    """Ask a second person to give a customer another number (E.164). The number itself is kept nowhere: the second
    person types it again, and so proves that it was understood.

    note     how the customer was recognised
    raises   NotFound; crypto.Erased
    effects  announces approval.asked; audited
    """
    customers.find(session, customer_id)
    return approvals.ask(
        session,
        kind=KIND,
        subject={"customer_id": str(customer_id)},
        fingerprint=_fingerprint(customer_id, phone),
        asked_by=asked_by,
        expires_at=now + TIME_TO_DECIDE,
        now=now,
        customer_id=customer_id,
        note=note,
    )


def decide(
    session: Session,
    customer_id: UUID,
    approval_id: UUID,
    *,
    phone: str | None,
    decided_by: str,
    approve: bool,
    reason: str | None,
    wait: timedelta,
    now: datetime,
) -> tuple[Approval, NumberChange | None]:
    """A second person's word; a yes begins the change, which takes effect after a wait.

    phone    E.164; needed to approve
    raises   NotFound, SelfApproval, AlreadyDecided, ApprovalLapsed; ApprovalMismatch for another number than was
             asked for; PhoneTaken; NumberChangeOpen
    effects  announces approval.decided, approval.used, number_change.asked; tells the customer everywhere; audited
    """
    if approvals.find(session, approval_id, kind=KIND).customer_id != customer_id:
        raise NotFound
    approval = approvals.decide(
        session, approval_id, kind=KIND, decided_by=decided_by, approve=approve, reason=reason, now=now
    )
    if not approve or phone is None:
        return approval, None
    approvals.consume(
        session,
        approval_id,
        kind=KIND,
        fingerprint=_fingerprint(customer_id, phone),
        used_by=decided_by,
        now=now,
    )
    change = numbers.ask(session, customer_id, phone, how=numbers.STAFF, wait=wait, now=now)
    return approval, change


def _fingerprint(customer_id: UUID, phone: str) -> bytes:
    return crypto.blind_index(KIND, f"{customer_id} {phone}")
