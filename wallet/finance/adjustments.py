"""Manual adjustments: staff move value by hand, when a second person agrees.

An adjustment is an approval of its kind: nothing else is kept of it until it is posted.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth import approval_lists, approvals, customers, merchants
from auth.models import Approval
from core import ids
from core.db import connection_of
from core.errors import InvalidInput
from core.events.announce import jsonable
from core.money import POINTS
from wallet.errors import MerchantUnknown
from wallet.finance import adjustment_posting, places
from wallet.finance.movement_errors import CustomerUnknown
from wallet.finance.places import Place

KIND = "wallet.adjustment"

#: Why value is moved, and the account of the brand's that stands on the other side when only one side is named.
REASONS = {
    "goodwill": "marketing",
    "correction": "suspense",
    "write_off": "losses",
    "fee": "fees",
    "payout": "bank",
}

#: So long may a second person take.
TIME_TO_DECIDE = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """One amount from one place to another; the side left out is the brand's account of the reason.

    reference   a ticket's number, say; it shows on the statement
    expires_at  of promotional value or points that are given
    """

    source: Place | None
    target: Place | None
    amount_minor: int
    currency: str
    reason: str
    reference: str | None = None
    expires_at: datetime | None = None


def ask(session: Session, adjustment: Adjustment, *, asked_by: str, note: str | None, now: datetime) -> Approval:
    """Ask for value to be moved; nothing moves until a second person agrees.

    raises   InvalidInput for sides that do not go together; CustomerUnknown, MerchantUnknown; Erased
    effects  announces approval.asked; audited
    """
    source, target = _sides(adjustment)
    _refuse_nonsense(adjustment, source, target, now)
    for place in (source, target):
        _refuse_unknown(session, place)

    subject = _subject(adjustment, source, target)
    return approvals.ask(
        session,
        kind=KIND,
        subject=subject,
        fingerprint=_fingerprint(subject),
        asked_by=asked_by,
        # Value that would have lapsed before it is given is not given.
        expires_at=min(now + TIME_TO_DECIDE, adjustment.expires_at or now + TIME_TO_DECIDE),
        now=now,
        customer_id=next((place.id for place in (target, source) if place.owner == "customer"), None),
        note=note,
    )


def decide(
    session: Session, adjustment_id: UUID, *, decided_by: str, approve: bool, reason: str | None, now: datetime
) -> Approval:
    """A second person's word; a yes moves the value in the same transaction, or the adjustment waits on.

    raises   NotFound, SelfApproval, AlreadyDecided, ApprovalLapsed; InsufficientFunds, AccountFrozen, AccountClosed,
             DebtOverpaid
    effects  announces approval.decided, approval.used, adjustment.posted; audited. Whoever repeats their own word
             (its answer was lost) gets the same answer
    """
    approval = approvals.find(session, adjustment_id, kind=KIND)
    said = approvals.APPROVED if approve else approvals.REFUSED
    if (approval.status, approval.decided_by) == (said, decided_by):
        return approval
    approval = approvals.decide(
        session, adjustment_id, kind=KIND, decided_by=decided_by, approve=approve, reason=reason, now=now
    )
    if not approve:
        return approval
    transfer_id = ids.new()
    approvals.consume(
        session,
        adjustment_id,
        kind=KIND,
        fingerprint=_fingerprint(approval.subject),
        used_by=decided_by,
        now=now,
        outcome={"transfer_id": str(transfer_id)},
    )
    adjustment_posting.post(connection_of(session), approval, transfer_id=transfer_id, now=now)
    return approval


def withdraw(session: Session, adjustment_id: UUID, *, withdrawn_by: str, now: datetime) -> Approval:
    """raises  NotFound, ApprovalNotYours, AlreadyDecided"""
    return approvals.withdraw(session, adjustment_id, kind=KIND, withdrawn_by=withdrawn_by, now=now)


def find(session: Session, adjustment_id: UUID, *, now: datetime) -> dict[str, Any]:
    """raises  NotFound"""
    return shown(session, [approvals.find(session, adjustment_id, kind=KIND)], now=now)[0]


def page(
    session: Session, *, before: UUID | None, limit: int, status: str | None, now: datetime
) -> list[dict[str, Any]]:
    """The latest first; `status` as it is shown."""
    asked = approvals.APPROVED if status == "posted" else status
    found = approval_lists.page(session, before=before, limit=limit, now=now, status=asked, kind=KIND)
    return shown(session, found, now=now)


def shown(session: Session, asked: Sequence[Approval], *, now: datetime) -> list[dict[str, Any]]:
    """Adjustments as staff see them."""
    return [
        {
            **told,
            **told["subject"],
            "status": "posted" if told["status"] == approvals.APPROVED else told["status"],
            "decide_before": told["expires_at"],
            "expires_at": told["subject"]["expires_at"] and datetime.fromisoformat(told["subject"]["expires_at"]),
            "decision_reason": told["reason"],
            "transfer_id": (told["outcome"] or {}).get("transfer_id"),
        }
        for told in approval_lists.shown(session, asked, now=now)
    ]


def _sides(adjustment: Adjustment) -> tuple[Place, Place]:
    """Where the value comes from and where it goes."""
    if adjustment.source and adjustment.target:
        return adjustment.source, adjustment.target
    named = adjustment.target or adjustment.source
    if named is None:
        raise _invalid("/to", "Name at least one side.")
    purpose = REASONS[adjustment.reason]
    if adjustment.reason == "goodwill" and (named.has_lots or adjustment.currency == POINTS):
        purpose = "loyalty"
    other = places.of_brand(purpose)
    return (other, named) if adjustment.target else (named, other)


def _refuse_nonsense(adjustment: Adjustment, source: Place, target: Place, now: datetime) -> None:
    try:
        source.opening(adjustment.currency)
        target.receiving(adjustment.currency)
    except ValueError as error:
        raise _invalid("/amount/currency", str(error)) from error
    if source == target:
        raise _invalid("/to", "Value cannot go where it comes from.")
    if adjustment.expires_at is not None and not target.has_lots:
        raise _invalid("/expires_at", "Only promotional value and points that are given can lapse.")
    if adjustment.expires_at is not None and adjustment.expires_at <= now:
        raise _invalid("/expires_at", "Must be in the future.")


def _refuse_unknown(session: Session, place: Place) -> None:
    if place.owner == "customer" and place.id and not customers.known(session, [place.id]):
        raise CustomerUnknown
    if place.owner == "merchant" and place.id and not merchants.known(session, [place.id]):
        raise MerchantUnknown


def _subject(adjustment: Adjustment, source: Place, target: Place) -> dict[str, Any]:
    """What is approved, word for word."""
    return {
        "from": str(source),
        "to": str(target),
        "amount": {"amount_minor": adjustment.amount_minor, "currency": adjustment.currency},
        "reason": adjustment.reason,
        "reference": adjustment.reference,
        "expires_at": jsonable(adjustment.expires_at),
    }


def _fingerprint(subject: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).digest()


def _invalid(pointer: str, detail: str) -> InvalidInput:
    return InvalidInput(errors=[{"pointer": pointer, "detail": detail}])
