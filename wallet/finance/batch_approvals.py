"""Large batches need a second person, who agrees to these very lines."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth import approvals
from auth.models import Approval
from core.settings import Settings
from wallet.finance.lines import Line
from wallet.finance.movement_errors import ApprovalNeeded

KIND = "wallet.batch"

#: So long may a second person take, and the batch be sent.
TIME_TO_DECIDE = timedelta(days=7)

_above_minor = Settings().batch_approval_above_minor


def load(settings: Settings) -> None:
    """Take the total above which a batch needs a second person."""
    global _above_minor
    _above_minor = settings.batch_approval_above_minor


def content_of(mode: str, given: Sequence[Any]) -> bytes:
    """SHA-256 of the mode and the lines as they were sent, whatever the order of their members."""
    return hashlib.sha256(json.dumps([mode, given], sort_keys=True).encode()).digest()


def refuse_unapproved(lines: Sequence[Line]) -> None:
    """raises  ApprovalNeeded for lines that add up to too much of one currency, or of points"""
    totals: Counter[str] = Counter()
    for line in lines:
        totals[line.currency] += line.amount_minor
    for currency, total in sorted(totals.items()):
        if total > _above_minor:
            raise ApprovalNeeded(
                f"The batch moves {total} {currency} (minor units): above {_above_minor} a second person agrees first",
                total_minor=total,
                above_minor=_above_minor,
                currency=currency,
            )


def ask(
    session: Session,
    lines: Sequence[Line],
    *,
    mode: str,
    content: bytes,
    asked_by: str,
    note: str | None,
    now: datetime,
) -> Approval:
    """Ask a second person for these lines.

    content  `content_of` the batch
    effects  announces approval.asked; audited
    """
    subject = {
        "mode": mode,
        "line_count": len(lines),
        "totals": _totals(lines),
        "lines_sha256": content.hex(),
    }
    return approvals.ask(
        session, kind=KIND, subject=subject, fingerprint=content, asked_by=asked_by,
        expires_at=now + TIME_TO_DECIDE, now=now, note=note,
    )  # fmt: skip


def decide(
    session: Session, approval_id: UUID, *, decided_by: str, approve: bool, reason: str | None, now: datetime
) -> Approval:
    """raises  NotFound, SelfApproval, AlreadyDecided, ApprovalLapsed"""
    return approvals.decide(
        session, approval_id, kind=KIND, decided_by=decided_by, approve=approve, reason=reason, now=now
    )


def consume(
    session: Session, approval_id: UUID, *, content: bytes, batch_id: UUID, used_by: str, now: datetime
) -> None:
    """raises  NotFound, ApprovalMismatch, ApprovalSpent, ApprovalNotGiven, ApprovalLapsed"""
    outcome = {"batch_id": str(batch_id)}
    approvals.consume(session, approval_id, kind=KIND, fingerprint=content, used_by=used_by, now=now, outcome=outcome)


def _totals(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """What the lines of each kind add up to."""
    amounts: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    for line in lines:
        amounts[line.kind, line.currency] += line.amount_minor
        counts[line.kind, line.currency] += 1
    return [
        {"kind": kind, "line_count": counts[kind, currency], "amount_minor": amount, "currency": currency}
        for (kind, currency), amount in sorted(amounts.items())
    ]
