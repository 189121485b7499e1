"""Provider reports: read line by line, kept once or not at all."""

import json
from datetime import timedelta
from typing import Any

import pytest
from psycopg import Connection

from core import ids
from tests.wallet.conftest import count
from tests.wallet.finance.books import CLOSE, HEADER, NEXT_MORNING, NOON, balance_line, report
from wallet.finance import provider_reports, report_files
from wallet.finance.errors import (
    ReportImported,
    ReportInvalid,
    ReportLineImported,
    ReportReferenceTaken,
    ReportTooLong,
)
from wallet.finance.provider_reports import Imported

GOOD = report("charge,ch_1,5000", "fee,ch_1,-175", balance_line(4825))


def import_(data: bytes, reference: str = "day-1") -> Imported:
    return provider_reports.import_(
        report_files.read(data, "csv"), reference=reference, actor="staff:test", now=NEXT_MORNING
    )


def told(data: bytes, form: report_files.Form = "csv") -> list[str]:
    with pytest.raises(ReportInvalid) as refused:
        report_files.read(data, form)
    return [error["detail"] for error in refused.value.facts["errors"]]


def test_report_is_read_with_its_closing_balances() -> None:
    file = report_files.read(GOOD, "csv")

    assert [(line.number, line.kind, line.amount_minor) for line in file.lines] == [
        (2, "charge", 5000),
        (3, "fee", -175),
    ]
    assert (file.closed_at, file.balances) == (CLOSE, {"USD": 4825})


def test_json_lines_say_the_same_as_csv() -> None:
    members: list[dict[str, Any]] = [
        {
            "kind": "charge",
            "reference": "ch_1",
            "amount_minor": 5000,
            "currency": "USD",
            "occurred_at": NOON.isoformat(),
        },
        {"kind": "balance", "amount_minor": 5000, "currency": "USD", "occurred_at": CLOSE.isoformat()},
    ]
    file = report_files.read("\n".join(map(json.dumps, members)).encode(), "jsonl")

    assert [(line.number, line.reference, line.occurred_at) for line in file.lines] == [(1, "ch_1", NOON)]
    assert file.balances == {"USD": 5000}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("gift,ch_1,5", "Line 2 kind must be one of"),
        ("charge,,5", "Line 2 reference must be"),
        ("charge,a b,5", "Line 2 reference must be"),
        ("charge,ch_1,5.00", "Line 2 amount_minor must be a whole number"),
        ("charge,ch_1,9007199254740992", "Line 2 amount_minor must be a whole number"),
        ("charge,ch_1,-5", "Line 2 amount_minor of a charge must be above 0"),
        ("refund,re_1,5", "Line 2 amount_minor of a refund must be below 0"),
        ("adjustment,a,0", "Line 2 amount_minor of a adjustment must be other than 0"),
        (f"charge,ch_1,5,XXX,{NOON.isoformat()}", "Line 2 currency is none"),
        (f"charge,ch_1,5,PTS,{NOON.isoformat()}", "Line 2 currency is none"),
        ("charge,ch_1,5,USD,2026-11-20T12:00:00", "Line 2 occurred_at must be"),
        ("charge,ch_1,5,USD,yesterday", "Line 2 occurred_at must be"),
        ("charge,ch_1,5,USD,9999-12-31T23:59:59-14:00", "Line 2 occurred_at must be"),
        (f"charge,ch_1,5,USD,{(CLOSE + timedelta(seconds=1)).isoformat()}", "Line 2 is of a time after"),
        (f"charge,ch_1,5,EUR,{NOON.isoformat()}", "Line 2 is in EUR, which has no closing balance"),
        ("charge,ch_1,5,USD,now,more", "Line 2 has 6 cells, not 5"),
        ('charge,"ch_1', "is no CSV"),
    ],
)
def test_bad_line_is_named_by_its_number(line: str, words: str) -> None:
    assert any(words in detail for detail in told(report(line, balance_line(5))))


def test_every_bad_line_is_named_at_once() -> None:
    found = told(report("charge,,5", "charge,ch_1,5", "fee,f,5", balance_line(5)))

    assert [detail.split(" must")[0] for detail in found] == ["Line 2 reference", "Line 4 amount_minor of a fee"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Line 1 must be the header"),
        (b"kind,reference\n", "Line 1 must be the header"),
        (HEADER.encode(), "Line 1 must be followed by a closing balance"),
        (report("charge,ch_1,5"), "Line 2 must be followed by a closing balance"),
        (report("charge,ch_1,5", "charge,ch_1,6", balance_line(11)), "Line 3 repeats the charge ch_1 of line 2"),
        (report(balance_line(1), balance_line(2)), "Line 3 repeats the balance USD"),
        (report(balance_line(1), balance_line(2, currency="EUR", at=NOON)), "Line 3 closes at another instant"),
        (b"kind\n\xff", "Line 2 is not UTF-8"),
        (HEADER.encode() + b"\ncharge,\x00,5,USD,x", "Line 2"),
    ],
)
def test_bad_file_is_refused_with_its_line(data: bytes, words: str) -> None:
    assert words in told(data)[0]


@pytest.mark.parametrize("line", [b"[]", b"{", b'{"kind": "charge", "more": 1}', b"1" * 5000, b"[" * 100_000])
def test_json_line_that_is_none_is_named(line: bytes) -> None:
    assert told(b"\n" + line, "jsonl")[0].startswith("Line 2 must be a JSON object")


def test_amount_as_a_json_float_is_refused() -> None:
    line = {"kind": "charge", "reference": "c", "amount_minor": 5.0, "currency": "USD", "occurred_at": NOON.isoformat()}

    assert "whole number" in told(json.dumps(line).encode(), "jsonl")[0]


def test_file_of_too_many_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_files, "MAX_LINES", 2)

    with pytest.raises(ReportTooLong):
        report_files.read(GOOD, "csv")


def test_report_is_kept_with_its_lines_and_balances(connection: Connection) -> None:
    imported = import_(GOOD)

    assert (imported.replayed, imported.report.line_count, imported.report.is_complete) == (False, 2, True)
    assert [(each.currency, each.amount_minor) for each in imported.balances] == [("USD", 4825)]
    assert count(connection, "wallet.provider_line") == 2
    assert count(connection, "core.audit_entry WHERE action = 'provider_report.import'") == 1


def test_same_file_again_is_told_and_kept_once(connection: Connection) -> None:
    first, again = import_(GOOD), import_(GOOD)

    assert (again.replayed, again.report.id) == (True, first.report.id)
    assert (count(connection, "wallet.provider_report"), count(connection, "wallet.provider_line")) == (1, 2)


def test_neither_reference_nor_file_is_taken_twice(connection: Connection) -> None:
    import_(GOOD)

    with pytest.raises(ReportReferenceTaken):
        import_(report("charge,ch_2,1", balance_line(1)))
    with pytest.raises(ReportImported) as refused:
        import_(GOOD, "day-2")
    assert refused.value.facts["reference"] == "day-1"
    assert count(connection, "wallet.provider_report") == 1


def test_report_that_repeats_a_line_leaves_nothing(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_reports, "_CHUNK", 1)  # the first chunk was kept before the second is refused
    import_(GOOD)

    with pytest.raises(ReportLineImported) as refused:
        import_(report("charge,ch_2,1", "charge,ch_1,5000", balance_line(9826)), "day-2")

    assert refused.value.facts["errors"] == [
        {"pointer": "/3", "detail": "Line 3: the charge ch_1 came with report day-1."}
    ]
    assert (count(connection, "wallet.provider_report"), count(connection, "wallet.provider_line")) == (1, 2)


def test_import_that_died_half_way_is_begun_anew(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO wallet.provider_report VALUES (%s, 'day-1', 'other', %s, 1, false, 'x', now())", [ids.new(), CLOSE]
    )

    imported = import_(GOOD)

    assert (imported.replayed, count(connection, "wallet.provider_report")) == (False, 1)


@pytest.mark.parametrize("table", ["provider_report", "provider_line", "provider_balance"])
def test_complete_report_cannot_be_changed(connection: Connection, table: str) -> None:
    import_(GOOD)
    column = "line_count" if table == "provider_report" else "amount_minor"

    for statement in (f"UPDATE wallet.{table} SET {column} = 1", f"DELETE FROM wallet.{table}"):
        with pytest.raises(Exception, match="written once"):
            connection.execute(statement)


def test_report_counts_from_the_instant_at_which_it_closes(connection: Connection) -> None:
    file = report_files.read(GOOD, "csv")

    with pytest.raises(ReportInvalid) as refused:
        provider_reports.import_(file, reference="day-1", actor="staff:test", now=CLOSE - timedelta(microseconds=1))
    assert refused.value.facts["errors"] == [{"pointer": "/4", "detail": "Line 4 closes in the future."}]
    assert count(connection, "wallet.provider_report") == 0

    provider_reports.import_(file, reference="day-1", actor="staff:test", now=CLOSE)
    assert count(connection, "wallet.provider_report") == 1
