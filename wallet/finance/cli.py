"""Finance as commands: `flask wallet trial-balance`, `import-report`, `safeguarding`, `settle`, `payout-file` …"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import click
from flask import current_app
from flask.cli import with_appcontext

from core import clock
from core.db import connection_of, transaction
from core.errors import Refusal
from wallet.finance import (
    bank_accounts,
    merchant_terms,
    pain001,
    payout_files,
    provider_postings,
    provider_reports,
    report_files,
    safeguarding,
    safeguarding_reports,
    settlement_rows,
    settlement_statements,
    settlements,
    trial_balance,
)
from wallet.finance.safeguarding import OPERATOR
from wallet.finance.safeguarding_reports import Reconciliation


@click.command("trial-balance")
@click.option("--as-of", help="A business instant (RFC 3339); left out: as of now.")
@click.option("--currency", help="One currency only.")
@with_appcontext
def show_trial_balance(as_of: str | None, currency: str | None) -> None:
    """Show what stands on the accounts of each class; ends with status 1 where the totals differ."""
    at = _instant(as_of) if as_of else None
    with transaction() as session:
        connection = connection_of(session)
        found = (
            trial_balance.as_of(connection, at, asset=currency) if at else trial_balance.now(connection, asset=currency)
        )
    for asset in found:
        click.echo(f"{asset.asset:<32} {'accounts':>9} {'debit':>16} {'credit':>16}")
        for each in asset.classes:
            name = f"{each.owner_kind} {each.purpose}"
            click.echo(f"  {name:<30} {each.accounts:>9} {each.debit_minor:>16} {each.credit_minor:>16}")
        click.echo(f"  {'total':<40} {asset.debit_minor:>16} {asset.credit_minor:>16}")
    if not all(asset.is_balanced for asset in found):
        raise SystemExit(1)


@click.command("import-report")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--reference", help="The report's own name; left out: the file's.")
@with_appcontext
def import_report(file: Path, reference: str | None) -> None:
    """Import the payment provider's report: CSV, or JSON lines where the file ends with .jsonl or .ndjson."""
    form: report_files.Form = "jsonl" if file.suffix in (".jsonl", ".ndjson") else "csv"
    with _told_refusals():
        read = report_files.read(file.read_bytes(), form)
        imported = provider_reports.import_(read, reference=reference or file.stem, actor=OPERATOR, now=clock.now())
    done = "was imported before" if imported.replayed else "imported"
    click.echo(f"report {imported.report.reference} {done}: {imported.report.line_count} lines")


@click.command("safeguarding")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Left out: the last whole day.")
@with_appcontext
def reconcile(day: datetime | None) -> None:
    """Reconcile a day: what customers are owed beside what is held; ends with status 1 unless it is balanced."""
    now = clock.now()
    wanted: date = day.date() if day else safeguarding.last_day(now)
    with _told_refusals(), transaction() as session:
        found = safeguarding.reconcile(session, day=wanted, actor=OPERATOR, now=now)
        differences = safeguarding_reports.differences(session, found.report.id, after=None, limit=100)
    _show(found)
    for each in differences:
        amounts = f"ours {each.ours_minor}, theirs {each.theirs_minor} {each.currency}"
        click.echo(f"  {each.kind} {each.reference or '-'}: {amounts}{' (in transit)' if each.is_timing else ''}")
    if found.report.status != "balanced":
        raise SystemExit(1)


@click.command("sign-off")
@click.argument("report_id", type=click.UUID)
@click.option("--reason", required=True, help="What you answer for, in your own words.")
@with_appcontext
def sign_off(report_id: UUID, reason: str) -> None:
    """Answer for a safeguarding report, with its differences."""
    with _told_refusals(), transaction() as session:
        found = safeguarding_reports.sign_off(session, report_id, reason=reason, actor=OPERATOR, now=clock.now())
    click.echo(f"safeguarding {found.report.day} run {found.report.run} signed off")


@click.command("book-report")
@click.argument("report_id", type=click.UUID)
@with_appcontext
def book_report(report_id: UUID) -> None:
    """Book the fees and payouts of a provider's report. To repeat it changes nothing."""
    with _told_refusals(), transaction() as session:
        booked = provider_postings.book(session, report_id, actor=OPERATOR, now=clock.now())
    for each in booked:
        click.echo(f"{each.transfer_id} {each.kind} {each.amount_minor} {each.currency}")


@click.command("merchant-terms")
@click.argument("merchant_id", type=click.UUID)
@click.option("--currency", required=True)
@click.option("--fee-bps", required=True, type=click.IntRange(0, 10_000), help="Basis points of each payment.")
@click.option("--fee-fixed", default=0, type=click.IntRange(0), show_default=True, help="Minor units a payment.")
@click.option("--reason", required=True)
@with_appcontext
def set_terms(merchant_id: UUID, currency: str, fee_bps: int, fee_fixed: int, reason: str) -> None:
    """Set what a merchant pays for each payment from now on."""
    with _told_refusals(), transaction() as session:
        terms = merchant_terms.set_(
            session, merchant_id=merchant_id, currency=currency, fee_bps=fee_bps, fee_fixed_minor=fee_fixed,
            reason=reason, actor=OPERATOR, now=clock.now(),
        )  # fmt: skip
    click.echo(f"{terms.fee_bps} bps and {terms.fee_fixed_minor} {terms.currency} since {terms.effective_at:%Y-%m-%d}")


@click.command("settle")
@click.option("--until", required=True, help="What happened before this instant (RFC 3339) is settled.")
@click.option("--merchant", "merchant_id", type=click.UUID, help="One merchant only.")
@with_appcontext
def settle(until: str, merchant_id: UUID | None) -> None:
    """Settle merchants up to an instant: take the fees and pay the rest out. To repeat it changes nothing."""
    at, is_complete = _instant(until), False
    while not is_complete:
        with _told_refusals(), transaction() as session:
            run = settlements.close(session, until=at, merchant_id=merchant_id, actor=OPERATOR, now=clock.now())
        is_complete = run.is_complete
        for row in (closed.row for closed in run.closed):
            told = f"net {row.net_minor}, fees {row.fees_minor}, paid out {row.payout_minor} {row.currency}"
            click.echo(f"{row.id} merchant {row.merchant_id}: {told}")


@click.command("payout-file")
@click.option("--currency", required=True)
@click.option("--into", "folder", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@with_appcontext
def make_payout_file(currency: str, folder: Path) -> None:
    """Put the payouts that wait into a file for the bank (ISO 20022) and a table beside it, in a folder of yours."""
    now = clock.now()
    with _told_refusals():
        debtor = bank_accounts.of_brand(current_app.extensions["settings"])
        with transaction() as session:
            made = payout_files.make(session, currency=currency, actor=OPERATOR, now=now)
            lines = payout_files.lines(session, made.row, actor=OPERATOR, now=now)
    target = folder / f"payouts-{made.row.id}"
    for suffix, content in (
        (".xml", pain001.as_xml(made.row, lines, debtor)),
        (".csv", pain001.as_csv(made.row, lines)),
    ):
        target.with_suffix(suffix).touch(mode=0o600)  # bank accounts are nobody else's
        target.with_suffix(suffix).write_bytes(content)
    click.echo(f"{target}.xml: {made.row.payout_count} payouts, {made.row.control_sum_minor} {currency}")
    for merchant_id in made.without_bank_account:
        click.echo(f"merchant {merchant_id} has no bank account: its payouts wait")


@click.command("settlement-statement")
@click.argument("settlement_id", type=click.UUID)
@with_appcontext
def show_statement(settlement_id: UUID) -> None:
    """Write a settlement's statement (CSV) to the output."""
    with _told_refusals(), transaction() as session:
        closed = settlement_rows.find(session, settlement_id)
    for piece in settlement_statements.as_csv(closed):
        click.echo(piece, nl=False)


@contextmanager
def _told_refusals() -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        raise click.ClickException("\n".join(_told(refusal))) from refusal


def _show(found: Reconciliation) -> None:
    report = found.report
    click.echo(f"safeguarding {report.day} run {report.run}: {report.status}, {report.difference_count} differences")
    for each in found.figures:
        held = "unknown" if each.held_minor is None else str(each.held_minor)
        click.echo(
            f"  {each.currency}: owed to customers {each.owed_minor}, held {held}, in our books {each.booked_minor};"
            f" owed to merchants {each.merchants_minor}, promotional {each.promotional_minor}"
        )


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.ClickException(f"{text!r} is no RFC 3339 time") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _told(refusal: Refusal) -> list[str]:
    return [str(refusal.detail), *(each["detail"] for each in refusal.facts.get("errors", ()))]


COMMANDS = [
    show_trial_balance,
    import_report,
    book_report,
    reconcile,
    sign_off,
    set_terms,
    settle,
    make_payout_file,
    show_statement,
]
