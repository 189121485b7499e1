"""The lists of refusals: a voucher's for its holder, a voucher's or a campaign's for staff."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from core.errors import NotFound
from rewards.models import Campaign, VoucherRow
from rewards.refusals.models import VoucherRefusal


def of_owner(
    session: Session, customer_id: UUID, voucher_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[VoucherRefusal]:
    """Those of the customer's own voucher since it is theirs, latest first.

    raises  NotFound, also for someone else's
    """
    voucher = session.get(VoucherRow, voucher_id)
    if voucher is None or voucher.customer_id != customer_id:
        raise NotFound
    return _page(
        session,
        VoucherRefusal.voucher_id == voucher_id,
        VoucherRefusal.customer_id == customer_id,
        before=before,
        limit=limit,
    )


def of_voucher(session: Session, voucher_id: UUID, *, before: UUID | None, limit: int) -> Sequence[VoucherRefusal]:
    """raises  NotFound"""
    if session.get(VoucherRow, voucher_id) is None:
        raise NotFound("There is no such voucher")
    return _page(session, VoucherRefusal.voucher_id == voucher_id, before=before, limit=limit)


def of_campaign(
    session: Session, campaign_id: UUID, *, code: str | None, before: UUID | None, limit: int
) -> Sequence[VoucherRefusal]:
    """raises  NotFound"""
    if session.get(Campaign, campaign_id) is None:
        raise NotFound("There is no such campaign")
    wanted = [VoucherRefusal.campaign_id == campaign_id]
    if code is not None:
        wanted.append(VoucherRefusal.code == code)
    return _page(session, *wanted, before=before, limit=limit)


def _page(session: Session, *wanted: ColumnElement[bool], before: UUID | None, limit: int) -> Sequence[VoucherRefusal]:
    query = select(VoucherRefusal).where(*wanted).order_by(VoucherRefusal.id.desc()).limit(limit)
    if before is not None:
        query = query.where(VoucherRefusal.id < before)
    return session.execute(query).scalars().all()
