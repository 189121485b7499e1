"""The last day is reconciled: what customers are owed beside what the provider says that it holds."""

from datetime import datetime, timedelta
from pathlib import Path

from app.demo.provider import Provider
from app.demo.stage import Scene
from app.demo.telling import Section, money
from core.db import transaction
from core.settings import Settings
from wallet.finance import provider_reports, report_files, safeguarding
from wallet.finance.safeguarding_reports import Reconciliation


def play(
    scene: Scene, settings: Settings, provider: Provider, *, folder: Path, actor: str, ends: datetime, now: datetime
) -> Section:
    """Write the provider's report as of the window's end, import it, and reconcile the day that it closes."""
    data = provider.report(closed_at=ends, currency=scene.currency)
    file = folder / "provider-report.csv"
    file.write_bytes(data)
    read = report_files.read(data, "csv")
    provider_reports.import_(read, reference=file.stem, actor=actor, now=now)
    day = (ends - timedelta(microseconds=1)).astimezone(settings.time_zone).date()
    with transaction() as session:
        found = safeguarding.reconcile(session, day=day, actor=actor, now=now)
    return _told(found, scene.currency, lines=len(read.lines), file=file)


def _told(found: Reconciliation, currency: str, *, lines: int, file: Path) -> Section:
    figure = next(each for each in found.figures if each.currency == currency)
    held = figure.held_minor or 0
    by_brand = figure.owed_minor + figure.merchants_minor - figure.booked_minor
    return Section(
        title="The safeguarding report",
        words=f"The payment provider reports {lines:,} top-ups and what it holds at the end of {found.report.day}.\n"
        "The books must agree with it to the cent, and customers must never be owed more than is held.",
        headings=("", "amount"),
        rows=[
            ("owed to customers: paid in and not spent", money(figure.owed_minor)),
            ("owed to the merchant, not paid out yet", money(figure.merchants_minor)),
            ("less what the brand's budgets paid of it", money(-by_brand)),
            ("the provider should hold", money(figure.booked_minor)),
            ("the provider says it holds", money(held)),
            ("difference", money(held - figure.booked_minor)),
            ("lines that differ", f"{found.report.difference_count:,}"),
            ("the day is", found.report.status),
        ],
        sums=5,
        notes=(f"The report, written from what the sandbox's provider has kept of its charges: {file}",),
    )
