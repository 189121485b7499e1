"""Approvals: what one person asks and a second one decides, for whichever room needs two pairs of eyes.

The room that asks keeps no state of its own: it gives a subject to show and a fingerprint of what exactly is approved,
decides at its own endpoint, and carries the deed out in the same transaction (or later, once).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth.errors import (
    AlreadyDecided,
    ApprovalLapsed,
    ApprovalMismatch,
    ApprovalNotGiven,
    ApprovalNotYours,
    ApprovalSpent,
    SelfApproval,
)
from auth.events import ApprovalAsked, ApprovalDecided, ApprovalUsed, ApprovalWithdrawn
from auth.models import Approval
from core import audit, crypto, ids
from core.errors import NotFound
from core.events import announce

WAITING, APPROVED, REFUSED, WITHDRAWN = "waiting", "approved", "refused", "withdrawn"


def ask(
    session: Session,
    *,
    kind: str,
    subject: dict[str, Any],
    fingerprint: bytes,
    asked_by: str,
    expires_at: datetime,
    now: datetime,
    customer_id: UUID | None = None,
    note: str | None = None,
) -> Approval:
    """Ask for a second person's word.

    kind         whose it is and what: "wallet.adjustment"
    subject      what is asked, as it is shown; no personal data, for which there is the note
    asked_by     a principal's name: "staff:<id>"
    customer_id  whom it concerns: what is written about it is erased with them
    raises       Erased where the customer is
    effects      announces approval.asked; audited
    """
    approval_id = ids.new()
    if customer_id is None:
        crypto.create_data_keys(session, [approval_id])
    approval = Approval(
        id=approval_id,
        kind=kind,
        subject=subject,
        fingerprint=fingerprint,
        customer_id=customer_id,
        status=WAITING,
        asked_by=asked_by,
        asked_at=now,
        expires_at=expires_at,
    )
    approval.note = _sealed(session, approval, "note", note)
    session.add(approval)
    session.flush()

    _record(session, approval, actor=asked_by, deed="ask", change={"kind": kind, "subject": subject}, now=now)
    announce(session, ApprovalAsked(customer_id=customer_id, occurred_at=now, approval_id=approval_id, kind=kind))
    return approval


def decide(
    session: Session,
    approval_id: UUID,
    *,
    kind: str,
    decided_by: str,
    approve: bool,
    reason: str | None,
    now: datetime,
) -> Approval:
    """A second person's word. Its row stays locked until the transaction ends.

    raises   NotFound, also for one of another kind; SelfApproval; AlreadyDecided; ApprovalLapsed if now >= expires_at
    effects  announces approval.decided; audited
    """
    approval = _locked(session, approval_id, kind)
    if approval.status != WAITING:
        raise AlreadyDecided(decision=approval.status)
    if now >= approval.expires_at:
        raise ApprovalLapsed
    if approval.asked_by == decided_by:
        raise SelfApproval

    approval.status = APPROVED if approve else REFUSED
    approval.decided_by, approval.decided_at = decided_by, now
    approval.reason = _sealed(session, approval, "reason", reason)
    session.flush()

    _record(session, approval, actor=decided_by, deed="decide", change={"status": approval.status}, now=now)
    announce(
        session,
        ApprovalDecided(
            customer_id=approval.customer_id, occurred_at=now, approval_id=approval_id, kind=kind, is_approved=approve
        ),
    )
    return approval


def consume(
    session: Session,
    approval_id: UUID,
    *,
    kind: str,
    fingerprint: bytes,
    used_by: str,
    now: datetime,
    outcome: dict[str, Any] | None = None,
) -> Approval:
    """Use an approval up, in the transaction of the deed that it allows. Its row stays locked until that ends.

    outcome  what came of it, as it is shown: {"transfer_id": ...}
    raises   NotFound, also for one of another kind; ApprovalMismatch; ApprovalSpent; ApprovalNotGiven; ApprovalLapsed
    effects  announces approval.used; audited
    """
    approval = _locked(session, approval_id, kind)
    if approval.fingerprint != fingerprint:
        raise ApprovalMismatch
    if approval.used_at is not None:
        raise ApprovalSpent
    if approval.status != APPROVED:
        raise ApprovalNotGiven(decision=approval.status)
    if now >= approval.expires_at:
        raise ApprovalLapsed

    approval.used_at, approval.outcome = now, outcome
    session.flush()

    _record(session, approval, actor=used_by, deed="use", change={"outcome": outcome}, now=now)
    announce(
        session,
        ApprovalUsed(customer_id=approval.customer_id, occurred_at=now, approval_id=approval_id, kind=kind),
    )
    return approval


def withdraw(session: Session, approval_id: UUID, *, kind: str, withdrawn_by: str, now: datetime) -> Approval:
    """Take back what one has asked, while nobody has decided it.

    raises   NotFound, also for one of another kind; ApprovalNotYours; AlreadyDecided
    effects  announces approval.withdrawn; audited
    """
    approval = _locked(session, approval_id, kind)
    if approval.asked_by != withdrawn_by:
        raise ApprovalNotYours
    if approval.status != WAITING:
        raise AlreadyDecided(decision=approval.status)

    approval.status = WITHDRAWN
    session.flush()

    _record(session, approval, actor=withdrawn_by, deed="withdraw", change={}, now=now)
    announce(
        session,
        ApprovalWithdrawn(customer_id=approval.customer_id, occurred_at=now, approval_id=approval_id, kind=kind),
    )
    return approval


def find(session: Session, approval_id: UUID, *, kind: str | None = None) -> Approval:
    """raises  NotFound, also for one of another kind than asked for"""
    approval = session.get(Approval, approval_id)
    if approval is None or kind not in (None, approval.kind):
        raise NotFound
    return approval


def key_owner(approval: Approval) -> UUID:
    """Under whose data key its words are sealed."""
    return approval.customer_id or approval.id


def _locked(session: Session, approval_id: UUID, kind: str) -> Approval:
    # Read anew under the lock: this session may have looked at it before another transaction decided.
    approval = session.get(Approval, approval_id, with_for_update=True, populate_existing=True)
    if approval is None or approval.kind != kind:
        raise NotFound
    return approval


def _sealed(session: Session, approval: Approval, column: str, text: str | None) -> bytes | None:
    if text is None:
        return None
    place = f"auth.approval.{column}"
    return crypto.seal(session, owner_id=key_owner(approval), place=place, row_id=approval.id, text=text)


def _record(
    session: Session, approval: Approval, *, actor: str, deed: str, change: dict[str, Any], now: datetime
) -> None:
    target = f"approval:{approval.id}"
    audit.record(session, actor=actor, action=f"approval.{deed}", target=target, change=change, now=now)
