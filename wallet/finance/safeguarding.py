"""The daily safeguarding reconciliation: what customers are owed beside what the provider reports that it holds.

source  FCA CASS 15 (payments and e-money firms reconcile at least once each business day, and keep the record)
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of, transaction
from core.events import announce
from wallet.assets import brand_time_zone
from wallet.finance import provider_differences, provider_reports, safeguarding_figures
from wallet.finance.errors import DayNotOver
from wallet.finance.events import SafeguardingCompleted
from wallet.finance.models import (
    ProviderReport,
    SafeguardingDifference,
    SafeguardingFigure,
    SafeguardingReport,
)
from wallet.finance.provider_differences import Difference
from wallet.finance.safeguarding_figures import Figures
from wallet.finance.safeguarding_reports import Reconciliation

OPERATOR = "operator"
SCHEDULE = "schedule"


def reconcile_due(now: datetime) -> None:
    """The schedule's: reconcile each day that is over and was not yet, and again once its report has come.

    A week at most is made up for, so that a worker that was away long begins with what matters.
    """
    for day in _due(now):
        with transaction() as session:
            reconcile(session, day=day, actor=SCHEDULE, now=now)


def reconcile(session: Session, *, day: date, actor: str, now: datetime) -> Reconciliation:
    """Reconcile a day and keep what was found; each run of a day is kept beside the earlier ones.

    The instant is that of the last provider report that closed on the day; without one it is the day's end, what is
    held is not known, and nothing is compared.
    raises   DayNotOver; SafeguardingTwin when the day is being reconciled just now
    effects  announces safeguarding.completed; sets the transaction to one snapshot, so it comes first in it
    """
    start, end = _span(day)
    if end > now:
        raise DayNotOver
    connection = connection_of(session)
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    reported = _last_report(session, start, end)
    at = reported.closed_at if reported else end - timedelta(microseconds=1)
    figures = safeguarding_figures.at_instant(connection, at)
    closing = _closing(session, reported)
    known = [each.asset for each in figures if each.booked]
    differences = provider_differences.find(connection, at, closing=closing, known=known) if reported else []

    report = SafeguardingReport(
        id=ids.new(),
        day=day,
        run=_next_run(session, day),
        as_of=at,
        status=_status(figures, closing, differences) if reported else "no_report",
        provider_report_id=reported.id if reported else None,
        difference_count=len(differences),
        ran_by=actor,
        ran_at=now,
    )
    session.add(report)
    session.flush()
    kept = _keep(session, report, figures, closing if reported else None, differences)

    announce(
        session,
        SafeguardingCompleted(
            occurred_at=now,
            report_id=report.id,
            day=day.isoformat(),
            outcome=report.status,
            difference_count=len(differences),
        ),
    )
    return Reconciliation(report, kept, None)


def last_day(now: datetime) -> date:
    """The last day that is over, in the brand's time zone."""
    return now.astimezone(ZoneInfo(brand_time_zone())).date() - timedelta(days=1)


def _due(now: datetime) -> list[date]:
    last = last_day(now)
    with transaction() as session:
        row = SafeguardingReport
        latest = session.scalars(select(row).order_by(row.day.desc(), row.run.desc()).limit(1)).one_or_none()
        if latest is None:
            return [last]
        days = [last - timedelta(days=ago) for ago in range(6, -1, -1)]
        is_unproven = latest.status == "no_report" and _last_report(session, *_span(latest.day)) is not None
        return [day for day in days if day > latest.day or (day == latest.day and is_unproven)]


def _span(day: date) -> tuple[datetime, datetime]:
    zone = ZoneInfo(brand_time_zone())
    try:
        return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)
    except OverflowError as error:
        raise DayNotOver from error


def _last_report(session: Session, start: datetime, end: datetime) -> ProviderReport | None:
    """One that closes at midnight closes the day that ended then."""
    query = (
        select(ProviderReport)
        .where(ProviderReport.is_complete, ProviderReport.closed_at > start, ProviderReport.closed_at <= end)
        .order_by(ProviderReport.closed_at.desc(), ProviderReport.id.desc())
        .limit(1)
    )
    return session.scalars(query).one_or_none()


def _closing(session: Session, reported: ProviderReport | None) -> dict[str, int]:
    if reported is None:
        return {}
    return {each.currency: each.amount_minor for each in provider_reports.balances_of(session, [reported.id])}


def _next_run(session: Session, day: date) -> int:
    query = select(func.coalesce(func.max(SafeguardingReport.run), 0) + 1).where(SafeguardingReport.day == day)
    return int(session.scalars(query).one())


def _status(figures: Sequence[Figures], closing: dict[str, int], found: Sequence[Difference]) -> str:
    is_short = any(each.owed > closing.get(each.asset, 0) for each in figures)
    return "differences" if is_short or any(not each.is_timing for each in found) else "balanced"


def _keep(
    session: Session,
    report: SafeguardingReport,
    figures: Sequence[Figures],
    closing: dict[str, int] | None,
    found: Sequence[Difference],
) -> list[SafeguardingFigure]:
    by_asset = {each.asset: each for each in figures}
    kept = [
        _figure(report, by_asset.get(asset) or Figures(asset, 0, 0, 0, 0, 0, 0), closing)
        for asset in sorted({*by_asset, *(closing or {})})
    ]
    session.add_all(kept)
    rows = [
        {
            "report_id": report.id,
            "position": position,
            "ours_minor": row.pop("ours"),
            "theirs_minor": row.pop("theirs"),
            **row,
        }
        for position, row in enumerate(map(asdict, found), 1)
    ]
    if rows:
        session.execute(insert(SafeguardingDifference), rows)
    return kept


def _figure(report: SafeguardingReport, of: Figures, closing: dict[str, int] | None) -> SafeguardingFigure:
    return SafeguardingFigure(
        report_id=report.id,
        currency=of.asset,
        cash_minor=of.cash,
        gift_cards_minor=of.gift_cards,
        owed_minor=of.owed,
        promotional_minor=of.promotional,
        debts_minor=of.debts,
        merchants_minor=of.merchants,
        booked_minor=of.booked,
        held_minor=None if closing is None else closing.get(of.asset, 0),
    )
