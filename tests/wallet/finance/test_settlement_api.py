"""Settlements at the staff's and the merchant's door: terms, a run, statements, and the file for the bank."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from flask import Flask
from psycopg import Connection

from auth import tokens
from core import clock, ids
from core.web.principals import Principal
from tests.wallet.conftest import count
from tests.wallet.finance.books import Books, add_merchant, cash
from tests.wallet.finance.test_finance_api import Desk
from wallet import accounts
from wallet.finance import settlement_lines, settlement_statements
from wallet.finance.pain001 import NAMESPACE

STAFF = frozenset({"finance.read", "finance.settle", "finance.terms", "finance.bank", "finance.pay_out"})
BERLIN: dict[str, Any] = {"currency": "USD", "holder": "Corner Shop GmbH", "iban": "DE89 3704 0044 0532 0130 00"}


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app, STAFF)


@pytest.fixture
def shop(desk: Desk, connection: Connection) -> UUID:
    """A merchant who was paid 10.50 (with a tip of 0.50) and 20.00, of which 3.00 went back; 2.5 % and 0.20 are due."""
    merchant_id, customer = add_merchant(), cash()
    terms = {"currency": "USD", "fee_bps": 250, "fee_fixed_minor": 20, "reason": "contract of May"}
    assert desk.send("PUT", f"/merchants/{merchant_id}/terms", terms).status_code == 200
    books, payable, now = Books(connection), accounts.of_merchant(merchant_id, "USD"), clock.now()
    books.topup(customer, 5000, reference="ch_1", at=now)
    first = books.move(customer, payable, 1050, at=now, kind="payment", tip_minor=50, reference="=HYPERLINK(1)")
    books.move(customer, payable, 2000, at=now, kind="payment", reference="order 8")
    books.transfer([(payable, -300), (customer, 300)], at=now, kind="refund", parent_id=first.transfer_id)
    return merchant_id


def agreed(app: Flask, desk: Desk, shop: UUID, body: Any = BERLIN) -> None:
    """A bank account that one person set and another agreed to."""
    made = desk.send("PUT", f"/merchants/{shop}/bank-account", body).json
    second = Desk(app, frozenset({"finance.bank_approve"}))
    answer = second.send("PUT", f"/bank-accounts/{made['id']}/decision", {"approve": True})  # type: ignore[index]
    assert (answer.status_code, answer.json["status"]) == (200, "holding")  # type: ignore[index]


def settle(desk: Desk, **more: Any) -> dict[str, Any]:
    answer = desk.send("POST", "/settlements", {"until": clock.now().isoformat(), **more})
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json["items"][0]  # type: ignore[index]
    return found


def test_run_is_told_and_replayed(desk: Desk, shop: UUID) -> None:
    body = {"until": clock.now().isoformat()}

    first, again = (desk.send("POST", "/settlements", body, key="run-1") for _ in range(2))

    assert first.json == again.json and again.headers["Idempotency-Replayed"] == "true"
    assert first.json and first.json["is_complete"] is True
    [found] = first.json["items"]
    assert {name: value for name, value in found.items() if name.endswith(("_minor", "_count"))} == {
        "payment_count": 2, "refund_count": 1, "gross_minor": 3000, "tips_minor": 50, "refunds_minor": 300,
        "adjustments_minor": 0, "fees_minor": 115, "carried_in_minor": 0, "net_minor": 2635, "payout_minor": 2635,
        "carried_out_minor": 0,
    }  # fmt: skip
    assert found["funding"] == [{"source": "customers", "campaign_id": None, "paid_minor": 3050, "refunded_minor": 300}]
    assert desk.get(f"/settlements/{found['id']}").json == found
    assert desk.get(f"/settlements?merchant_id={shop}").json == {"items": [found], "next_cursor": None}
    assert desk.get(f"/settlements?merchant_id={ids.new()}").json == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid_input"),
        ({"until": "2026-11-20T17:00:00"}, 422, "invalid_input"),
        ({"until": "9999-01-01T00:00:00Z"}, 422, "settlement_in_future"),
        ({"until": "2026-11-20T17:00:00Z", "merchant_id": "x"}, 422, "invalid_input"),
    ],
)
def test_bad_runs_are_refused(desk: Desk, body: Any, status: int, code: str) -> None:
    answer = desk.send("POST", "/settlements", body)

    assert (answer.status_code, answer.json["code"]) == (status, code)  # type: ignore[index]


def test_merchant_sees_its_own_settlements_only(app: Flask, desk: Desk, shop: UUID) -> None:
    found = settle(desk)
    doors = {}
    for merchant_id in (shop, ids.new()):
        principal = Principal("terminal", ids.new(), merchant_id=merchant_id, store_id=ids.new())
        door = Desk(app)
        token = tokens.mint(
            principal, audience=tokens.MERCHANT, client_id="test", now=clock.now(), ttl=timedelta(hours=1)
        )
        door.headers = {"Authorization": f"Bearer {token}"}
        doors[merchant_id] = door
    own, stranger = doors.values()

    def get(door: Desk, path: str) -> Any:
        return door.client.get(f"/merchant/v1{path}", headers=door.headers)

    assert get(own, "/settlements").json == {"items": [found], "next_cursor": None}
    assert get(own, f"/settlements/{found['id']}").json == found
    assert get(own, f"/settlements/{found['id']}/statement.csv").status_code == 200
    assert get(own, f"/settlements/{found['id']}/statement.pdf").data.startswith(b"%PDF-")
    assert get(stranger, "/settlements").json == {"items": [], "next_cursor": None}
    for path in ("", "/statement.csv", "/statement.pdf"):
        assert get(stranger, f"/settlements/{found['id']}{path}").status_code == 404


def test_statement_s_lines_sum_to_the_settlement(desk: Desk, shop: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement_lines, "_PAGE", 2)
    found = settle(desk)

    answer = desk.get(f"/settlements/{found['id']}/statement.csv")

    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    lines = [dict(zip(rows[0], row, strict=True)) for row in rows[1:4]]
    assert [(line["what"], line["amount"], line["tip"], line["fee"], line["net_minor"]) for line in lines] == [
        ("payment", "10.50", "0.50", "-0.45", "1005"),
        ("payment", "20.00", "0.00", "-0.70", "1930"),
        ("refund", "-3.00", "0.00", "0.00", "-300"),
    ]
    assert lines[0]["reference"] == "'=HYPERLINK(1)", "a spreadsheet must not take a reference for a formula"
    assert lines[2]["payment_id"] == lines[0]["transfer_id"]
    assert sum(int(line["net_minor"]) for line in lines) == found["net_minor"]
    assert [(row[2], row[10], row[12]) for row in rows[4:]] == [
        ("payments", "30.00", "3000"), ("tips", "0.50", "50"), ("refunds", "-3.00", "-300"), ("fees", "-1.15", "-115"),
        ("net", "26.35", "2635"), ("paid out", "26.35", "2635"),
    ]  # fmt: skip


def test_statement_is_written_as_pages(desk: Desk, shop: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement_statements, "MOST_ON_PAGES", 2)
    found = settle(desk)

    answer = desk.get(f"/settlements/{found['id']}/statement.pdf")

    assert answer.content_type == "application/pdf"
    assert answer.data.startswith(b"%PDF-") and len(answer.data) > 5000


def test_terms_are_told_with_their_history(desk: Desk, shop: UUID) -> None:
    body = {"currency": "USD", "fee_bps": 100, "reason": "lowered for Christmas"}
    set_ = desk.send("PUT", f"/merchants/{shop}/terms", body)

    assert desk.get(f"/merchants/{shop}/terms").json == set_.json
    assert [(each["fee_bps"], each["fee_fixed_minor"], each["reason"]) for each in set_.json["items"]] == [  # type: ignore[index]
        (100, 0, "lowered for Christmas"),
        (250, 20, "contract of May"),
    ]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"fee_bps": -1}, 422, "invalid_input"),
        ({"fee_bps": 10_001}, 422, "invalid_input"),
        ({"fee_bps": 1.5}, 422, "invalid_input"),
        ({"fee_bps": "1"}, 422, "invalid_input"),
        ({"fee_fixed_minor": -1}, 422, "invalid_input"),
        ({"fee_fixed_minor": 2**53}, 422, "invalid_input"),
        ({"currency": "XXX"}, 422, "currency_unknown"),
        ({"reason": ""}, 422, "invalid_input"),
        ({"fee_bps": 10_000}, 200, None),
    ],
)
def test_bad_terms_are_refused(desk: Desk, change: Any, status: int, code: str | None) -> None:
    body = {"currency": "USD", "fee_bps": 100, "reason": "contract", **change}
    answer = desk.send("PUT", f"/merchants/{add_merchant()}/terms", body)

    assert (answer.status_code, (answer.json or {}).get("code")) == (status, code)
    assert desk.send("PUT", f"/merchants/{ids.new()}/terms", body).status_code in (404, 422)


def test_bank_account_is_sealed_and_told_by_its_end(desk: Desk, shop: UUID, connection: Connection) -> None:
    set_ = desk.send("PUT", f"/merchants/{shop}/bank-account", BERLIN)

    assert set_.json and set_.json["number_ends"] == "3000"
    assert "DE89" not in set_.text
    assert desk.get(f"/merchants/{shop}/bank-account?currency=USD&which=latest").json == set_.json
    assert desk.get(f"/merchants/{shop}/bank-account?currency=USD").status_code == 404
    assert desk.get(f"/merchants/{shop}/bank-account?currency=EUR&which=latest").status_code == 404
    row = connection.execute("SELECT details FROM wallet.merchant_bank_account").fetchone()
    assert row and b"3704" not in row[0] and b"Corner" not in row[0]
    assert count(connection, "core.audit_entry WHERE change::text LIKE '%%3704%%'") == 0


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"iban": "DE89370400440532013001"}, "/iban"),
        ({"iban": "DE00"}, "/iban"),
        ({"iban": "ＤＥ89370400440532013000"}, "/iban"),
        ({"account_number": "12345678"}, "/iban"),
        ({"iban": None}, "/account_number"),
        ({"iban": None, "account_number": "12345678"}, "/clearing_system"),
        ({"iban": None, "account_number": "12345678", "clearing_system": "GBDSC"}, "/clearing_code"),
        (
            {"iban": None, "account_number": "12345678", "clearing_system": "GBDSC", "clearing_code": "1"},
            "/clearing_code",
        ),
        ({"bic": "DEUTDEFF1"}, "/bic"),
        ({"holder": "=cmd|' /C calc'!A0"}, "/holder"),
        ({"holder": "<b>Shop</b>"}, "/holder"),
        ({"holder": "  "}, "/holder"),
    ],
)
def test_bad_bank_accounts_are_refused_by_field(desk: Desk, change: Any, pointer: str) -> None:
    body = {name: value for name, value in {**BERLIN, **change}.items() if value is not None}
    answer = desk.send("PUT", f"/merchants/{add_merchant()}/bank-account", body)

    assert (answer.status_code, answer.json["code"]) == (422, "bank_account_invalid")  # type: ignore[index]
    assert answer.json["errors"][0]["pointer"] == pointer  # type: ignore[index]


def test_payouts_go_into_one_file_once(app: Flask, desk: Desk, shop: UUID, connection: Connection) -> None:
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(
        settings, payout_debtor_name="Brand (Sons)", payout_debtor_account="USABA:021000021:1234567"
    )
    found = settle(desk)
    waiting = desk.send("POST", "/payout-files", {"currency": "USD"})
    british = {"currency": "USD", "holder": "+Corner Shop", "account_number": "0012 3456", "clearing_system": "GBDSC",
               "clearing_code": "20-00-00"}  # fmt: skip
    agreed(app, desk, shop, british)
    made = desk.send("POST", "/payout-files", {"currency": "USD"}).json
    agreed(app, desk, shop)

    assert (waiting.status_code, waiting.json["code"]) == (422, "nothing_to_pay_out")  # type: ignore[index]
    assert waiting.json["without_bank_account"] == [str(shop)]  # type: ignore[index]
    assert made and (made["payout_count"], made["control_sum_minor"], made["without_bank_account"]) == (1, 2635, [])
    assert desk.send("POST", "/payout-files", {"currency": "USD"}).json["code"] == "nothing_to_pay_out"  # type: ignore[index]
    assert desk.get(f"/settlements/{found['id']}").json["payout_file_id"] == made["id"]  # type: ignore[index]
    del made["without_bank_account"]
    assert desk.get("/payout-files").json == {"items": [made], "next_cursor": None}

    xml = desk.get(f"/payout-files/{made['id']}/file.xml")
    document = ElementTree.fromstring(xml.data)
    names = {"p": NAMESPACE}
    texts = {
        name: document.find(f".//p:{name}", names).text
        for name in ("MsgId", "CtrlSum", "NbOfTxs", "InstdAmt", "EndToEndId", "MmbId")
    }  # type: ignore[union-attr]
    assert texts == {
        "MsgId": UUID(made["id"]).hex, "CtrlSum": "26.35", "NbOfTxs": "1", "InstdAmt": "26.35",
        "EndToEndId": UUID(found["id"]).hex, "MmbId": "021000021",
    }  # fmt: skip
    transfer = document.find(".//p:CdtTrfTxInf", names)
    assert transfer is not None
    assert [child.tag.split("}")[1] for child in transfer] == ["PmtId", "Amt", "CdtrAgt", "Cdtr", "CdtrAcct", "RmtInf"]
    assert transfer.findtext("p:Cdtr/p:Nm", None, names) == "+Corner Shop"
    assert transfer.findtext("p:CdtrAcct/p:Id/p:Othr/p:Id", None, names) == "00123456"
    assert transfer.findtext("p:CdtrAgt/p:FinInstnId/p:ClrSysMmbId/p:MmbId", None, names) == "200000"
    assert document.findtext(".//p:Dbtr/p:Nm", None, names) == "Brand (Sons)"

    table = list(csv.reader(io.StringIO(desk.get(f"/payout-files/{made['id']}/file.csv").data.decode("utf-8-sig"))))
    assert table[1][2] == "'+Corner Shop"
    assert (table[1][8], table[-1][0], table[-1][8]) == ("26.35", "control sum", "26.35")
    assert count(connection, "core.audit_entry WHERE action = 'payout_file.read'") == 2


def test_file_for_the_bank_needs_the_brand_s_account(app: Flask, desk: Desk, shop: UUID) -> None:
    settle(desk)
    agreed(app, desk, shop)
    made = desk.send("POST", "/payout-files", {"currency": "USD"}).json
    assert made

    answer = desk.get(f"/payout-files/{made['id']}/file.xml")

    assert (answer.status_code, answer.json["code"]) == (422, "payout_debtor_missing")  # type: ignore[index]
    assert desk.get(f"/payout-files/{made['id']}/file.csv").status_code == 200
    assert desk.get(f"/payout-files/{ids.new()}/file.csv").status_code == 404


def test_command_settles_all(app: Flask, desk: Desk, shop: UUID) -> None:
    runner, until = app.test_cli_runner(), clock.now().isoformat()

    first, again = (runner.invoke(args=["wallet", "settle", "--until", until]) for _ in range(2))
    bad = runner.invoke(args=["wallet", "settle", "--until", "9999-01-01T00:00:00Z"])

    assert f"merchant {shop}: net 2635, fees 115, paid out 2635 USD\n" in first.output
    assert (first.exit_code, again.exit_code, again.output, bad.exit_code) == (0, 0, "", 1)


def test_commands_lead_from_terms_to_the_payout_file(app: Flask, desk: Desk, shop: UUID, tmp_path: Path) -> None:
    app.extensions["settings"] = replace(
        app.extensions["settings"], payout_debtor_name="Brand", payout_debtor_account="DE89370400440532013000"
    )
    agreed(app, desk, shop)
    runner = app.test_cli_runner()

    def run(*args: str) -> tuple[int, str]:
        result = runner.invoke(args=["wallet", *args])
        return result.exit_code, result.output

    terms = ("merchant-terms", str(shop), "--currency", "USD", "--reason", "lowered", "--fee-bps")
    assert run(*terms, "100")[1].startswith("100 bps and 0 USD since ")
    assert run("merchant-terms", str(ids.new()), *terms[2:], "100")[0] == 1
    found = settle(desk)
    status, table = run("settlement-statement", found["id"])
    assert (status, "paid out" in table) == (0, True)
    assert run("settlement-statement", str(ids.new()))[0] == 1
    status, told = run("payout-file", "--currency", "USD", "--into", str(tmp_path))
    assert (status, "1 payouts, 2635 USD" in told) == (0, True)
    assert sorted((path.suffix, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()) == [
        (".csv", 0o600),
        (".xml", 0o600),
    ]
    assert run("payout-file", "--currency", "USD", "--into", str(tmp_path))[0] == 1
