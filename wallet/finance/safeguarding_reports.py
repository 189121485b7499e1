"""Reconciliations that were made: read, and signed off by a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.errors import NotFound
from core.events import announce
from wallet.finance.errors import SafeguardingUnproven, SignedOff
from wallet.finance.events import SafeguardingSignedOff
from wallet.finance.models import (
    SafeguardingDifference,
    SafeguardingFigure,
    SafeguardingReport,
    SafeguardingSignOff,
)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A stored reconciliation with its figures by currency, and who signed it off."""

    report: SafeguardingReport
    figures: Sequence[SafeguardingFigure]
    sign_off: SafeguardingSignOff | None


def sign_off(session: Session, report_id: UUID, *, reason: str, actor: str, now: datetime) -> Reconciliation:
    """Answer for a reconciliation, with all its differences, in words of one's own. To repeat it changes nothing.

    raises   NotFound; SafeguardingUnproven where the provider reported nothing; SignedOff with other words or by others
    effects  announces safeguarding.signed_off; audited
    """
    found = find(session, report_id)
    if found.sign_off is not None:
        if (found.sign_off.signed_by, found.sign_off.reason) != (actor, reason):
            raise SignedOff(signed_by=found.sign_off.signed_by)
        return found
    if found.report.status == "no_report":
        raise SafeguardingUnproven

    signed = SafeguardingSignOff(report_id=report_id, signed_by=actor, reason=reason, signed_at=now)
    session.add(signed)
    session.flush()
    audit.record(
        session,
        actor=actor,
        action="safeguarding.sign_off",
        target=f"safeguarding_report:{report_id}",
        change={},
        now=now,
    )

    announce(session, SafeguardingSignedOff(occurred_at=now, report_id=report_id, day=found.report.day.isoformat()))
    return Reconciliation(found.report, found.figures, signed)


def find(session: Session, report_id: UUID) -> Reconciliation:
    """raises  NotFound"""
    report = session.get(SafeguardingReport, report_id)
    if report is None:
        raise NotFound
    return _with_figures(session, [report])[0]


def page(session: Session, *, before: UUID | None, limit: int) -> list[Reconciliation]:
    """The reconciliations, the latest run first."""
    query = select(SafeguardingReport).order_by(SafeguardingReport.id.desc()).limit(limit)
    if before is not None:
        query = query.where(SafeguardingReport.id < before)
    return _with_figures(session, session.scalars(query).all())


def differences(
    session: Session, report_id: UUID, *, after: int | None, limit: int
) -> Sequence[SafeguardingDifference]:
    """A reconciliation's differences, by currency and time; after: the page's last position."""
    row = SafeguardingDifference
    query = select(row).where(row.report_id == report_id).order_by(row.position).limit(limit)
    return session.scalars(query if after is None else query.where(row.position > after)).all()


def _with_figures(session: Session, reports: Sequence[SafeguardingReport]) -> list[Reconciliation]:
    named = [report.id for report in reports]
    figures = session.scalars(
        select(SafeguardingFigure).where(SafeguardingFigure.report_id.in_(named)).order_by(SafeguardingFigure.currency)
    ).all()
    signed = session.scalars(select(SafeguardingSignOff).where(SafeguardingSignOff.report_id.in_(named))).all()
    by_report = {each.report_id: each for each in signed}
    return [
        Reconciliation(report, [each for each in figures if each.report_id == report.id], by_report.get(report.id))
        for report in reports
    ]
