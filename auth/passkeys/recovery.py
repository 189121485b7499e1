"""Recovery: who lost the device with their passkeys asks the brand's staff, of whom two agree to remove them.

A passkey is needed to remove one and to make the next; without any the customer makes one after any fresh sign-in,
which then waits as every young one does.
"""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import approvals, customers
from auth.models import Approval
from auth.passkeys import listing, registering
from auth.passkeys.errors import PasskeyNeeded
from auth.proofs import Owner
from core.errors import NotFound

KIND = "auth.passkey_removal"
#: So long may a second person take.
TIME_TO_DECIDE = timedelta(days=3)


def ask(session: Session, customer_id: UUID, *, note: str, asked_by: str, now: datetime) -> Approval:
    """Ask a second person to remove all passkeys that a customer has now.

    note     how the customer was recognised
    raises   NotFound; PasskeyNeeded where there are none; Erased
    effects  announces approval.asked; audited
    """
    customers.find(session, customer_id)
    known = [str(passkey.id) for passkey in registering.of(session, Owner(customer_id=customer_id))]
    if not known:
        raise PasskeyNeeded("This customer has no passkeys")
    return approvals.ask(
        session,
        kind=KIND,
        subject={"customer_id": str(customer_id), "passkey_ids": known},
        fingerprint=_fingerprint(known),
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
    decided_by: str,
    approve: bool,
    reason: str | None,
    now: datetime,
) -> Approval:
    """A second person's word; a yes removes the passkeys that were there when it was asked for, and are still.

    raises   NotFound, SelfApproval, AlreadyDecided, ApprovalLapsed
    effects  announces approval.decided, approval.used, passkey.removed; the customer is told of each; audited
    """
    found = approvals.find(session, approval_id, kind=KIND)
    if found.customer_id != customer_id:
        raise NotFound
    approval = approvals.decide(
        session, approval_id, kind=KIND, decided_by=decided_by, approve=approve, reason=reason, now=now
    )
    if not approve:
        return approval

    meant: list[str] = approval.subject["passkey_ids"]
    approvals.consume(session, approval_id, kind=KIND, fingerprint=_fingerprint(meant), used_by=decided_by, now=now)
    for passkey in registering.of(session, Owner(customer_id=customer_id)):
        if str(passkey.id) in meant:
            listing.drop(session, passkey, now=now)
    return approval


def _fingerprint(passkey_ids: list[str]) -> bytes:
    return hashlib.sha256("\n".join(sorted(passkey_ids)).encode()).digest()
