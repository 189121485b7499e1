"""Approvals as staff see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from auth.approvals import APPROVED, REFUSED, WAITING, WITHDRAWN, key_owner
from auth.models import Approval
from core import crypto

LAPSED = "lapsed"
STATUSES = (WAITING, APPROVED, REFUSED, WITHDRAWN, LAPSED)


def page(
    session: Session, *, before: UUID | None, limit: int, now: datetime, status: str | None, kind: str | None
) -> Sequence[Approval]:
    """The latest first, those asked before the one that `before` names."""
    query = select(Approval).order_by(Approval.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(Approval.kind == kind)
    if status is not None:
        query = query.where(_stands_at(status, now))
    if before is not None:
        query = query.where(Approval.id < before)
    return session.scalars(query).all()


def status_of(approval: Approval, now: datetime) -> str:
    """Where it stands: what nobody decided, or nobody used, in its time has lapsed."""
    is_open = approval.status == WAITING or (approval.status == APPROVED and approval.used_at is None)
    return LAPSED if is_open and now >= approval.expires_at else approval.status


def shown(session: Session, approvals: Sequence[Approval], *, now: datetime) -> list[dict[str, Any]]:
    """What staff see of them. What was written about an erased customer is gone."""
    crypto.fetch_data_keys(session, [key_owner(each) for each in approvals if each.note or each.reason])
    return [
        {
            "id": each.id,
            "kind": each.kind,
            "status": status_of(each, now),
            "subject": each.subject,
            "customer_id": each.customer_id,
            "note": _opened(session, each, "note", each.note),
            "asked_by": each.asked_by,
            "asked_at": each.asked_at,
            "expires_at": each.expires_at,
            "decided_by": each.decided_by,
            "decided_at": each.decided_at,
            "reason": _opened(session, each, "reason", each.reason),
            "used_at": each.used_at,
            "outcome": each.outcome,
        }
        for each in approvals
    ]


def _stands_at(status: str, now: datetime) -> ColumnElement[bool]:
    """`status_of` as a condition."""
    is_open = (Approval.status == WAITING) | ((Approval.status == APPROVED) & Approval.used_at.is_(None))
    has_lapsed = and_(is_open, Approval.expires_at <= now)
    return has_lapsed if status == LAPSED else and_(Approval.status == status, ~has_lapsed)


def _opened(session: Session, approval: Approval, column: str, ciphertext: bytes | None) -> str | None:
    if ciphertext is None:
        return None
    place = f"auth.approval.{column}"
    owner_id = key_owner(approval)
    try:
        return crypto.unseal(session, owner_id=owner_id, place=place, row_id=approval.id, ciphertext=ciphertext)
    except crypto.Erased:
        return None
