"""Finance at the staff door and as commands: the books, the provider's report, the reconciliation, its sign-off."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from psycopg import Connection
from werkzeug.test import TestResponse

from auth import tokens
from core import clock, ids
from core.web.principals import Principal
from tests.wallet.finance.books import CLOSE, NEXT_MORNING, NOON, Books, balance_line, cash, report

FINANCE = frozenset({"finance.read", "finance.import", "finance.reconcile", "finance.sign_off"})


class Desk:
    """A member of the finance staff."""

    def __init__(self, app: Flask, permissions: frozenset[str] = FINANCE) -> None:
        self.client, self.principal = app.test_client(), Principal("staff", ids.new(), permissions=permissions)
        token = tokens.mint(
            self.principal, audience=tokens.ADMIN, client_id="test", now=clock.now(), ttl=timedelta(hours=1)
        )
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/admin/v1{path}", headers=self.headers)

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> TestResponse:
        headers = {**self.headers, "Idempotency-Key": more.pop("key", str(ids.new()))}
        return self.client.open(f"/admin/v1{path}", method=method, json=body, headers=headers)

    def import_(self, data: bytes, reference: str = "day-1", mimetype: str = "text/csv") -> TestResponse:
        path = f"/admin/v1/finance/provider-reports?reference={reference}"
        return self.client.post(path, data=data, content_type=mimetype, headers=self.headers)


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app)


def test_trial_balance_is_shown_now_and_as_of(desk: Desk, connection: Connection) -> None:
    Books(connection).topup(cash(), 5000, reference="ch_1")

    now = desk.get("/finance/trial-balance").json
    before = desk.get("/finance/trial-balance?as_of=2026-11-20T16:59:59Z").json
    at = desk.get("/finance/trial-balance?as_of=2026-11-20T17:00:00Z&currency=USD").json

    assert now and before and at
    assert now["items"] == at["items"] == [
        {
            "currency": "USD",
            "classes": [
                {"owner_kind": "brand", "purpose": "provider", "accounts": 1, "debit_minor": 5000, "credit_minor": 0},
                {"owner_kind": "customer", "purpose": "cash", "accounts": 1, "debit_minor": 0, "credit_minor": 5000},
            ],
            "debit_minor": 5000,
            "credit_minor": 5000,
            "is_balanced": True,
        }
    ]  # fmt: skip
    assert before == {"as_of": "2026-11-20T16:59:59Z", "items": []}


@pytest.mark.parametrize("query", ["as_of=yesterday", "as_of=2026-11-20T17:00:00", "currency=dollars"])
def test_bad_questions_are_told_so(desk: Desk, query: str) -> None:
    answer = desk.get(f"/finance/trial-balance?{query}")

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")  # type: ignore[index]


def test_books_of_an_instant_to_come_are_not_told(desk: Desk) -> None:
    answer = desk.get("/finance/trial-balance?as_of=9999-12-31T23:59:59Z")

    assert (answer.status_code, answer.json["code"]) == (422, "instant_in_future")  # type: ignore[index]


def test_day_goes_from_report_to_sign_off(desk: Desk, connection: Connection) -> None:
    Books(connection).topup(cash(), 5000, reference="ch_1")
    data = report("charge,ch_1,4000", balance_line(4000))

    imported, again = desk.import_(data), desk.import_(data)
    ran = desk.send("POST", "/finance/safeguarding-reports", {"day": "2026-11-20"})
    path = f"/finance/safeguarding-reports/{ran.json['id']}"  # type: ignore[index]
    differences = desk.get(f"{path}/differences").json
    signed = desk.send("PUT", f"{path}/sign-off", {"reason": "The provider corrects ch_1 tomorrow"})

    assert (imported.status_code, again.status_code, again.json) == (201, 200, imported.json)
    assert imported.json["balances"] == [{"amount_minor": 4000, "currency": "USD"}]  # type: ignore[index]
    assert ran.status_code == 201
    assert ran.json and ran.json["status"] == "differences" and ran.json["sign_off"] is None
    assert ran.json["figures"] == [
        {
            "currency": "USD", "cash_minor": 5000, "gift_cards_minor": 0, "owed_minor": 5000, "held_minor": 4000,
            "shortfall_minor": 1000, "excess_minor": 0, "booked_minor": 5000, "promotional_minor": 0,
            "debts_minor": 0, "merchants_minor": 0,
        }
    ]  # fmt: skip
    assert differences and [
        (each["kind"], each["reference"], each["ours_minor"], each["theirs_minor"], each["line_number"])
        for each in differences["items"]
    ] == [("amount", "ch_1", 5000, 4000, 2)]
    assert signed.json and signed.json["sign_off"]["signed_by"] == desk.principal.name
    assert desk.get(path).json == signed.json
    assert desk.get("/finance/safeguarding-reports").json == {"items": [signed.json], "next_cursor": None}
    assert desk.get("/finance/provider-reports").json == {"items": [imported.json], "next_cursor": None}
    assert desk.get(f"/finance/provider-reports/{imported.json['id']}").json == imported.json  # type: ignore[index]


def test_differences_come_in_pages(desk: Desk, connection: Connection) -> None:
    desk.import_(report(*(f"charge,ch_{number},1" for number in range(5)), balance_line(5)))
    ran = desk.send("POST", "/finance/safeguarding-reports", {"day": "2026-11-20"}).json
    assert ran

    path, seen = f"/finance/safeguarding-reports/{ran['id']}/differences?limit=2", []
    cursor = ""
    while cursor is not None:
        page = desk.get(f"{path}&cursor={cursor}").json
        assert page
        seen += [each["reference"] for each in page["items"]]
        cursor = page["next_cursor"]

    assert seen == [f"ch_{number}" for number in range(5)]
    assert desk.get(f"{path}&cursor=nonsense").json["code"] == "cursor_invalid"  # type: ignore[index]


def test_who_sends_too_large_a_report_is_heard_out_and_told_so(desk: Desk) -> None:
    """A real server hangs up on who is still writing, who would then see no answer at all."""
    body = io.BytesIO(b"x" * 17_000_000)

    answer = desk.client.post(
        "/admin/v1/finance/provider-reports?reference=day-1",
        input_stream=body,
        content_type="text/csv",
        content_length=17_000_000,
        headers=desk.headers,
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert (answer.status_code, answer.json["code"]) == (413, "payload_too_large")  # type: ignore[index]
    assert body.read() == b""


@pytest.mark.parametrize(
    ("data", "mimetype", "status", "code"),
    [
        (b"x", "text/plain", 400, "report_media_unknown"),
        (b"{}", "application/json", 400, "report_media_unknown"),
        (b"x", "text/csv", 422, "report_invalid"),
        (b"x", "application/jsonl", 422, "report_invalid"),
        (b"", "text/csv", 422, "report_invalid"),
        (b"x" * 16_000_001, "text/csv", 413, "payload_too_large"),
    ],
)
def test_bad_reports_are_refused(desk: Desk, data: bytes, mimetype: str, status: int, code: str) -> None:
    answer = desk.import_(data, mimetype=mimetype)

    assert (answer.status_code, answer.json["code"]) == (status, code)  # type: ignore[index]


def test_report_larger_than_other_bodies_is_taken(desk: Desk) -> None:
    lines = [f"charge,ch_{number},1" for number in range(25_000)]

    answer = desk.import_(report(*lines, balance_line(25_000)))

    assert (answer.status_code, answer.json["line_count"]) == (201, 25_000)  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid_input"),
        ({"day": "2026-13-01"}, 422, "invalid_input"),
        ({"day": "9999-12-31"}, 422, "day_not_over"),
        ({"day": "0001-01-01"}, 201, None),
    ],
)
def test_bad_days_are_refused(desk: Desk, body: Any, status: int, code: str | None) -> None:
    answer = desk.send("POST", "/finance/safeguarding-reports", body)

    assert (answer.status_code, (answer.json or {}).get("code")) == (status, code)


def test_what_is_unproven_or_not_there_is_not_signed(desk: Desk) -> None:
    ran = desk.send("POST", "/finance/safeguarding-reports", {"day": "2026-11-20"}).json
    assert ran and ran["figures"] == []

    for report_id, status, code in ((ran["id"], 422, "safeguarding_unproven"), (ids.new(), 404, "not_found")):
        answer = desk.send("PUT", f"/finance/safeguarding-reports/{report_id}/sign-off", {"reason": "fine"})
        assert (answer.status_code, answer.json["code"]) == (status, code)  # type: ignore[index]


def test_commands_tell_the_same(app: Flask, connection: Connection, tmp_path: Path) -> None:
    Books(connection).topup(cash(), 5000, reference="ch_1")
    file, bad = tmp_path / "2026-11-20.csv", tmp_path / "bad.csv"
    file.write_bytes(report("charge,ch_1,4000", balance_line(5000)))
    bad.write_bytes(report("charge,ch_1,x", balance_line(0)))
    runner = app.test_cli_runner()

    def run(*args: str) -> tuple[int, str]:
        with clock.simulated(lambda: NEXT_MORNING):
            result = runner.invoke(args=["wallet", *args])
        return result.exit_code, result.output

    assert run("import-report", str(bad))[0] == 1
    assert "Line 2 amount_minor must be a whole number" in run("import-report", str(bad))[1]
    assert run("import-report", str(file)) == (0, "report 2026-11-20 imported: 1 lines\n")
    assert run("import-report", str(file)) == (0, "report 2026-11-20 was imported before: 1 lines\n")
    status, told = run("safeguarding", "--date", "2026-11-20")
    assert status == 1
    assert "owed to customers 5000, held 5000" in told
    assert "  amount ch_1: ours 5000, theirs 4000 USD\n" in told
    assert "  closing_balance -: ours 4000, theirs 5000 USD\n" in told
    row = connection.execute("SELECT s.id, p.id FROM wallet.safeguarding_report s, wallet.provider_report p").fetchone()
    assert row
    assert run("sign-off", str(row[0]), "--reason", "known") == (0, "safeguarding 2026-11-20 run 1 signed off\n")
    assert run("sign-off", str(row[0]), "--reason", "other")[0] == 1
    assert run("book-report", str(row[1])) == (0, "")
    status, told = run("trial-balance", "--as-of", NOON.isoformat())
    assert status == 0
    assert "total" in told and told.count("5000") == 4
    assert run("trial-balance", "--as-of", "noon")[0] == 1
    assert run("safeguarding", "--date", CLOSE.date().isoformat())[0] == 1
