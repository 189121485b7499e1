"""The wallet's scenes at the end of a play: each cent goes back, the sums add up, and books that differ are told."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID
from xml.etree import ElementTree

import pytest

from app.demo import mixed_payment, settling, show, source, stage, windows
from app.demo.mixed_payment import BASKET_MINOR
from app.demo.provider import Provider
from app.demo.source_facts import facts
from app.demo.source_files import Files
from app.demo.telling import Section
from core.db import connection_of, transaction
from tests.app.demo.replay import WINDOW, Stage
from wallet import receipts, seals
from wallet.finance import provider_reports, report_files, safeguarding, safeguarding_reports, settlement_rows
from wallet.finance.pain001 import NAMESPACE
from wallet.finance.safeguarding_reports import Reconciliation
from wallet.finance.settlement_rows import Closed
from wallet.receipts import Receipt

BEGINS, ENDS = windows.bounds(WINDOW)


def told(title: str) -> Section:
    return next(section for section in stage.told() if section.title == title)


def test_basket_is_paid_by_all_four_sources_at_once(theatre: Stage) -> None:
    paid = mixed_receipt()

    parts = [(part.kind, part.amount, part.points) for part in paid.parts]
    assert parts == [
        ("gift_card", 20_00, None),
        ("promotional", 15_00, None),
        ("points", 5_00, 500),
        ("cash", 20_00, None),
    ]


def test_each_source_gets_its_own_back_and_each_lot_what_came_out_of_it(theatre: Stage) -> None:
    paid = mixed_receipt()
    rows = told("A mixed payment and its refund").rows

    assert [refund.amount for refund in paid.refunds] == [24_00, 36_00]
    assert all((part.refunded, part.points_refunded) == (part.amount, part.points) for part in paid.parts)
    assert [row[1:] for row in rows[:-2]] == [
        ["20.00", "20.00", "8.00", "12.00", "20.00"],
        ["6.00", "6.00", "2.40", "3.60", "6.00"],
        ["9.00", "9.00", "3.60", "5.40", "9.00"],
        ["500 points", "500 points", "200 points", "300 points", "500 points"],
    ]
    assert [row[1] for row in rows[-2:]] == [rows[-2][5], ""]
    assert rows[-1] == ["the basket", "", "60.00", "24.00", "36.00", ""]


def test_settlement_takes_every_basket_and_pays_out_what_is_left_after_the_fees(
    theatre: Stage, real_files: Files
) -> None:
    row = settlement().row
    totals = [basket.total_minor for basket in source.baskets(real_files, WINDOW) if basket.total_minor]
    fees = [(Decimal(total) * settling.FEE_BPS / 10_000).quantize(Decimal(1), ROUND_HALF_EVEN) for total in totals]
    of_scene = BASKET_MINOR * settling.FEE_BPS // 10_000

    assert row.gross_minor == facts(real_files, WINDOW).sales_minor + BASKET_MINOR
    assert (row.payment_count, row.refund_count, row.refunds_minor) == (len(totals) + 1, 2, BASKET_MINOR)
    assert row.fees_minor == sum(fees) + of_scene + settling.FEE_FIXED_MINOR * row.payment_count
    assert row.payout_minor == facts(real_files, WINDOW).sales_minor - row.fees_minor


def test_who_paid_sums_to_what_was_paid(theatre: Stage) -> None:
    closed = settlement()
    rows = told("The merchant's settlement").rows

    assert sum(each.paid for each in closed.fundings) == closed.row.gross_minor
    assert sum(each.refunded for each in closed.fundings) == closed.row.refunds_minor
    for column in (1, 2, 3):
        assert sum(map(minor, [row[column] for row in rows[:-3]])) == minor(rows[-3][column])
    assert minor(rows[-3][3]) + minor(rows[-2][3]) == minor(rows[-1][3])


def test_bank_is_told_to_pay_exactly_what_was_settled(theatre: Stage) -> None:
    document = ElementTree.fromstring((theatre.papers / "payout.xml").read_bytes())

    paid = [minor(each.text or "") for each in document.iter(f"{{{NAMESPACE}}}InstdAmt")]
    assert paid == [settlement().row.payout_minor]


def test_last_day_is_balanced_against_the_providers_own_report(theatre: Stage) -> None:
    found = reconciliation()
    figure = found.figures[0]

    assert (found.report.status, found.report.difference_count, found.report.day) == ("balanced", 0, WINDOW.last)
    assert figure.held_minor == figure.booked_minor == sum(amount for _, amount in reported(theatre))
    assert 0 < figure.owed_minor < figure.held_minor


def test_cent_that_the_provider_reports_otherwise_is_found_by_its_reference(theatre: Stage) -> None:
    reference, amount_minor = reported(theatre)[7]
    text = (theatre.papers / "provider-report.csv").read_text()
    altered = text.replace(f"{reference},{amount_minor},", f"{reference},{amount_minor - 1},")
    held = sum(amount for _, amount in reported(theatre))
    altered = altered.replace(f"balance,,{held},", f"balance,,{held - 1},")

    with theatre.tampering() as cursor:
        for table in ("provider_line", "provider_balance", "provider_report"):
            cursor.execute(f"DELETE FROM wallet.{table}")
    read = report_files.read(altered.encode(), "csv")
    now = ENDS + timedelta(days=3)
    provider_reports.import_(read, reference="altered", actor="staff:test", now=now)
    with transaction() as session:
        found = safeguarding.reconcile(session, day=WINDOW.last, actor="staff:test", now=now)
        listed = safeguarding_reports.differences(session, found.report.id, after=None, limit=10)
        kept = [(each.kind, each.reference, each.ours_minor, each.theirs_minor) for each in listed]

    assert found.report.status == "differences"
    assert kept == [("amount", reference, amount_minor, amount_minor - 1)]


def test_papers_are_drawn(theatre: Stage) -> None:
    assert (theatre.papers / "receipt.png").read_bytes().startswith(b"\x89PNG")
    assert (theatre.papers / "receipt.pdf").read_bytes().startswith(b"%PDF")
    shown = [note for section in stage.told() for note in section.notes]
    assert all(any(str(paper) in note for note in shown) for paper in theatre.papers.iterdir())


def test_head_that_is_told_verifies(theatre: Stage) -> None:
    head = seals.Head.parse(told("The seal").notes[-1].split()[-1])

    with transaction() as session:
        assert seals.first_difference(connection_of(session), head) is None
    assert head.number > 0


def test_restarted_demo_tells_the_same_scenes_and_plays_none_again(
    theatre: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo's database has another name here, and its window is one of the real ones."""
    monkeypatch.setattr(stage, "settings_of", lambda _: theatre.settings)
    monkeypatch.setattr(windows, "of_days", lambda _: WINDOW)
    before = transfers()

    status = show.run(theatre.settings, days=2, exits=True, host="127.0.0.1", port=8000)

    shown = capsys.readouterr().out
    assert (status, transfers()) == (0, before)
    assert all(section.title in shown and section.notes[-1] in shown for section in stage.told())


def test_provider_keeps_each_charge_once_and_reports_up_to_its_close() -> None:
    at = [datetime(2017, 7, 9, 12, tzinfo=UTC)]
    provider = Provider(lambda: at[0])

    def charge(reference: str, origin: str = "sandbox_ok") -> None:
        provider.charge(reference=reference, amount_minor=500, currency="USD", source=origin)

    charge("first")
    charge("first")
    charge("no money", "sandbox_declined")
    at[0] += timedelta(hours=1)
    charge("as it closes")
    at[0] += timedelta(seconds=1)
    charge("too late")

    read = report_files.read(provider.report(closed_at=at[0] - timedelta(seconds=1), currency="USD"), "csv")
    assert [line.amount_minor for line in read.lines] == [500, 500]
    assert read.balances == {"USD": 1000}


def mixed_receipt() -> Receipt:
    with transaction() as session:
        connection = connection_of(session)
        found = connection.execute(
            "SELECT id, details ->> 'merchant_id' FROM wallet.transfer WHERE key = %s", [mixed_payment.TILL_REFERENCE]
        ).fetchone()
        assert found
        return receipts.of_payment(connection, found[0], merchant_id=UUID(found[1]))


def settlement() -> Closed:
    with transaction() as session:
        found = settlement_rows.page(session, merchant_id=None, before=None, limit=2)
    assert len(found) == 1
    return found[0]


def reconciliation() -> Reconciliation:
    """The scene's own, which is the first."""
    with transaction() as session:
        return safeguarding_reports.page(session, before=None, limit=10)[-1]


def reported(theatre: Stage) -> list[tuple[str, int]]:
    """The charges of the report, by their references."""
    rows = csv.DictReader(io.StringIO((theatre.papers / "provider-report.csv").read_text()))
    return [(row["reference"], int(row["amount_minor"])) for row in rows if row["kind"] == "charge"]


def transfers() -> int:
    with transaction() as session:
        row = connection_of(session).execute("SELECT count(*) FROM wallet.transfer").fetchone()
    assert row
    return int(row[0])


def minor(shown: str) -> int:
    return int(Decimal(shown.replace(",", "") or 0).scaleb(2))
