"""Provider reports: imported once, in chunks, and counted only when they are whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from core import audit, ids
from core.db import connection_of, transaction
from core.errors import NotFound
from wallet.finance.errors import ReportImported, ReportLineImported, ReportReferenceTaken, ReportUnderWay
from wallet.finance.models import ProviderBalance, ProviderReport
from wallet.finance.report_files import Line, ReportFile

#: Some 50 ms a chunk: no writing transaction may live long.
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Imported:
    """`replayed` when the same file was imported under the same reference before."""

    report: ProviderReport
    balances: Sequence[ProviderBalance]
    replayed: bool


def import_(file: ReportFile, *, reference: str, actor: str, now: datetime) -> Imported:
    """Keep a report under its reference. Opens transactions of its own; one that died half way is begun anew.

    raises  ReportInvalid before its close; ReportReferenceTaken, ReportImported; ReportLineImported that names lines
            which came with another report, and then nothing is kept; ReportUnderWay when a twin has begun after us
    """
    file.check_over(now=now)
    with transaction() as session:
        known = _known(session, file, reference)
        if known is not None:
            return known
        report = _begin(session, file, reference, actor=actor, now=now)
    for start in range(0, len(file.lines), _CHUNK):
        with transaction() as session:
            written = _write(session, report.id, file.lines[start : start + _CHUNK])
        if not written:
            _give_up(report.id, file.lines[start : start + _CHUNK])
    with transaction() as session:
        return _complete(session, report.id, actor=actor, now=now)


def page(session: Session, *, before: UUID | None, limit: int) -> Sequence[ProviderReport]:
    """The complete reports, the latest import first."""
    query = select(ProviderReport).where(ProviderReport.is_complete).order_by(ProviderReport.id.desc()).limit(limit)
    if before is not None:
        query = query.where(ProviderReport.id < before)
    return session.scalars(query).all()


def find(session: Session, report_id: UUID) -> Imported:
    """raises  NotFound, also for one that is not complete"""
    report = session.get(ProviderReport, report_id)
    if report is None or not report.is_complete:
        raise NotFound
    return Imported(report, balances_of(session, [report_id]), replayed=False)


def balances_of(session: Session, report_ids: Sequence[UUID]) -> Sequence[ProviderBalance]:
    query = select(ProviderBalance).where(ProviderBalance.report_id.in_(report_ids)).order_by(ProviderBalance.currency)
    return session.scalars(query).all()


def _known(session: Session, file: ReportFile, reference: str) -> Imported | None:
    """The same import, done; what was begun and never finished under its names is taken back."""
    named = or_(ProviderReport.reference == reference, ProviderReport.sha256 == file.sha256)
    for report in session.scalars(select(ProviderReport).where(named)).all():
        if not report.is_complete:
            session.execute(delete(ProviderReport).where(ProviderReport.id == report.id))
        elif report.reference != reference:
            raise ReportImported(reference=report.reference)
        elif report.sha256 != file.sha256:
            raise ReportReferenceTaken
        else:
            return Imported(report, balances_of(session, [report.id]), replayed=True)
    return None


def _begin(session: Session, file: ReportFile, reference: str, *, actor: str, now: datetime) -> ProviderReport:
    report = ProviderReport(
        id=ids.new(),
        reference=reference,
        sha256=file.sha256,
        closed_at=file.closed_at,
        line_count=len(file.lines),
        is_complete=False,
        imported_by=actor,
        imported_at=now,
    )
    session.add(report)
    session.flush()
    session.add_all(
        ProviderBalance(report_id=report.id, currency=currency, amount_minor=amount)
        for currency, amount in file.balances.items()
    )
    return report


def _write(session: Session, report_id: UUID, lines: Sequence[Line]) -> bool:
    """False, with nothing written, when one of the lines was imported before."""
    rows = [
        (each.number, each.kind, each.reference, each.amount_minor, each.currency, each.occurred_at) for each in lines
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    if connection_of(session).execute(_WRITE, [report_id, *columns]).rowcount == len(lines):
        return True
    session.rollback()
    return False


def _give_up(report_id: UUID, lines: Sequence[Line]) -> None:
    """Take the import back, and name the lines that stand in another report."""
    with transaction() as session:
        named = [[each.kind for each in lines], [each.reference for each in lines], [each.number for each in lines]]
        found = connection_of(session).execute(_KNOWN_LINES, [*named, report_id]).fetchall()
        session.execute(delete(ProviderReport).where(ProviderReport.id == report_id))
    raise ReportLineImported(
        errors=[
            {"pointer": f"/{number}", "detail": f"Line {number}: the {kind} {name} came with report {other}."}
            for number, kind, name, other in found
        ]
    )


def _complete(session: Session, report_id: UUID, *, actor: str, now: datetime) -> Imported:
    done = (
        update(ProviderReport).where(ProviderReport.id == report_id).values(is_complete=True).returning(ProviderReport)
    )
    report = session.scalars(done).one_or_none()
    if report is None:
        raise ReportUnderWay
    change = {"reference": report.reference, "lines": report.line_count, "sha256": report.sha256.hex()}
    audit.record(
        session,
        actor=actor,
        action="provider_report.import",
        target=f"provider_report:{report_id}",
        change=change,
        now=now,
    )
    return Imported(report, balances_of(session, [report_id]), replayed=False)


_WRITE = """
    INSERT INTO wallet.provider_line (report_id, number, kind, reference, amount_minor, currency, occurred_at)
    SELECT %s, number, kind, reference, amount_minor, currency, occurred_at
      FROM unnest(%s::int[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::timestamptz[])
           AS l (number, kind, reference, amount_minor, currency, occurred_at)
     ORDER BY kind, reference
        ON CONFLICT (kind, reference) DO NOTHING
"""

_KNOWN_LINES = """
    SELECT l.number, l.kind, l.reference, r.reference
      FROM unnest(%s::text[], %s::text[], %s::int[]) AS l (kind, reference, number)
      JOIN wallet.provider_line k USING (kind, reference)
      JOIN wallet.provider_report r ON r.id = k.report_id
     WHERE k.report_id <> %s
     ORDER BY l.number LIMIT 50
"""
