"""Statements, balances as of an instant and receipts at the doors."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pypdf
import pytest
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from auth import merchants, tokens
from core import clock, ids
from core.db import connection_of, transaction
from core.web.principals import Principal
from tests.wallet.doors import Door, customer_door, sign_up, staff_door
from wallet import accounts, ledger, refunds
from wallet.accounts import Opening
from wallet.ledger import Transfer
from wallet.payments import Payment, transfer_of

#: In New York: 10 October 2026, 08:00, and 1 November 2026, 07:00.
OCTOBER, NOVEMBER = datetime(2026, 10, 10, 12, tzinfo=UTC), datetime(2026, 11, 1, 12, tzinfo=UTC)


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    with clock.simulated(lambda: instant):
        yield


@pytest.fixture
def customer_id(app: Flask) -> UUID:
    customer_id = sign_up()
    provider = accounts.of_provider("USD")
    with transaction() as session:
        cash = accounts.of_customer(customer_id, "USD")
        accounts.open_all(session, [cash, provider])
    return customer_id


@pytest.fixture
def customer(app: Flask, customer_id: UUID) -> Door:
    return customer_door(app, customer_id)


@pytest.fixture
def merchant_id(app: Flask) -> UUID:
    with transaction() as session:
        merchant_id = merchants.add_merchant(session, name="Café <Ψ> & Söhne", now=clock.now()).id
        accounts.open_all(session, [accounts.of_merchant(merchant_id, "USD")])
    return merchant_id


def give(customer_id: UUID, amount: int, *, when: datetime, kind: str = "topup", reference: str | None = None) -> None:
    legs = (accounts.of_provider("USD").leg(-amount), accounts.of_customer(customer_id, "USD").leg(amount))
    details = {} if reference is None else {"reference": reference}
    made = Transfer(id=ids.new(), principal="test", key=str(ids.new()), fingerprint=b"", kind=kind, legs=legs,
                    effective_at=when, details=details)  # fmt: skip
    with transaction() as session:
        ledger.post(connection_of(session), made)


def pay(customer_id: UUID, merchant_id: UUID, *, when: datetime = OCTOBER, tip_minor: int = 0) -> UUID:
    """15.00, of which 5.00 off a gift card, 2.50 by a coupon, 4.00 by 40 points and 3.50 in cash."""
    card, budget = Opening(f"voucher:{ids.new()}", "gift", "USD", 0), Opening("campaign:x", "budget", "USD", None)
    spent = accounts.of_brand("loyalty", "PTS")
    theirs = Opening(f"customer:{customer_id}", "bonus", "PTS", None)
    loyalty, marketing = accounts.of_brand("loyalty", "USD"), accounts.of_marketing("USD")
    with transaction() as session:
        accounts.open_all(session, [card, budget, spent, theirs, loyalty, marketing])
        filled = Transfer(id=ids.new(), principal="test", key=str(ids.new()), fingerprint=b"", kind="gift",
                          legs=(marketing.leg(-500), card.leg(500)), effective_at=when)  # fmt: skip
        ledger.post(connection_of(session), filled)
    cash = accounts.of_customer(customer_id, "USD")
    sources = (card.leg(-500), budget.leg(-250), theirs.leg(-40), spent.leg(40), loyalty.leg(-400), cash.leg(-350))
    payment = Payment(
        principal="test", key=str(ids.new()), fingerprint=b"", customer_id=customer_id, merchant_id=merchant_id,
        amount_minor=1500, currency="USD", tip_minor=tip_minor, sources=sources, reference="=order 7", at=when,
    )  # fmt: skip
    with transaction() as session:
        return ledger.post(connection_of(session), transfer_of(payment)).transfer_id


def give_back(payment_id: UUID, merchant_id: UUID, amount: int) -> None:
    with transaction() as session:
        refunds.refund(
            session, principal="test", key=str(ids.new()), fingerprint=b"", payment_id=payment_id,
            merchant_id=merchant_id, amount_minor=amount, reference="milk", at=OCTOBER + timedelta(days=1),
        )  # fmt: skip


def ask(door: Door, path: str, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if door.prefix == "/app/v1":  # a token of the time that it is
        door = customer_door(door.client.application, door.id)
    return door.client.get(door.prefix + path, headers=door.headers | named)


def read(door: Door, path: str) -> Any:
    answer = ask(door, path)
    assert answer.status_code == 200, answer.json
    return answer.json


def told(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def refusal(door: Door, path: str) -> tuple[int, str]:
    answer = ask(door, path)
    return answer.status_code, (answer.json or {})["code"]


def test_wallet_as_of_an_instant(customer: Door, customer_id: UUID) -> None:
    give(customer_id, 2000, when=OCTOBER)
    give(customer_id, 500, when=NOVEMBER)

    with at(NOVEMBER + timedelta(days=1)):
        then = read(customer, "/wallet?as_of=2026-10-31T00:00:00Z")
        now = read(customer, "/wallet")

    assert then["items"][0]["balance"] == {"amount_minor": 2000, "currency": "USD"}
    assert then["as_of"] == "2026-10-31T00:00:00Z"
    assert now["items"][0]["balance"] == {"amount_minor": 2500, "currency": "USD"}


@pytest.mark.parametrize("instant", ["yesterday", "2026-10-31", "2026-10-31T00:00:00", "0001-01-01T00:00:00%2B14:00"])
def test_an_instant_that_is_none_is_refused(customer: Door, instant: str) -> None:
    assert refusal(customer, f"/wallet?as_of={instant}") == (422, "invalid_input")


def test_the_future_is_not_known(app: Flask, customer: Door, customer_id: UUID) -> None:
    with at(OCTOBER):
        assert read(customer, "/wallet?as_of=2026-10-10T12:00:00Z")
        assert refusal(customer, "/wallet?as_of=2026-10-10T12:00:00.000001Z") == (422, "instant_in_future")


def test_entries_are_found_over_http(customer: Door, customer_id: UUID, merchant_id: UUID) -> None:
    give(customer_id, 2000, when=OCTOBER)
    pay(customer_id, merchant_id)
    give(customer_id, 700, when=NOVEMBER, kind="send", reference="For the Tickets")

    assert [line["kind"] for line in read(customer, "/wallet/entries?purpose=cash")["items"]] == [
        "send", "payment", "topup",
    ]  # fmt: skip
    query = f"kind=payment&currency=USD&merchant_id={merchant_id}&max_amount_minor=350&min_amount_minor=350"
    (payment,) = read(customer, f"/wallet/entries?{query}")["items"]
    assert payment["balance_after"]["amount_minor"] == 1650
    (sent,) = read(customer, "/wallet/entries?from=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z&text=tickets")[
        "items"
    ]
    assert sent["reference"] == "For the Tickets"


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-11-01T00:00:00Z&until=2026-11-01T00:00:00Z",
        "min_amount_minor=5&max_amount_minor=4",
        "min_amount_minor=-1",
        "min_amount_minor=9007199254740992",
        "currency=usd",
        "merchant_id=7",
        "text=",
        "limit=0",
        "cursor=x",
    ],
)
def test_a_search_that_cannot_be_is_refused(customer: Door, query: str) -> None:
    status, code = refusal(customer, f"/wallet/entries?{query}")

    assert (status, code) in ((422, "invalid_input"), (422, "cursor_invalid"))


def test_staff_see_a_wallet_as_it_was_and_as_it_was_known(app: Flask, customer_id: UUID) -> None:
    give(customer_id, 2000, when=OCTOBER)
    known = clock.now().isoformat().replace("+00:00", "Z")
    give(customer_id, 300, when=OCTOBER)
    staff, path = staff_door(app, "wallets.read"), f"/customers/{customer_id}/wallet"

    assert read(staff, path)["items"][0]["balance"]["amount_minor"] == 2300
    assert read(staff, f"{path}?as_of=2026-10-10T12:00:00Z")["items"][0]["balance"]["amount_minor"] == 2300
    assert read(staff, f"{path}?as_recorded_at={known}")["items"][0]["balance"]["amount_minor"] == 2000
    entries = read(staff, f"{path}/entries")["items"]
    assert [each["occurred_at"] for each in entries] == ["2026-10-10T12:00:00Z"] * 2
    assert entries[1]["recorded_at"] <= known < entries[0]["recorded_at"]
    assert len(read(staff, f"{path}/entries?as_recorded_at={known}")["items"]) == 1
    assert refusal(staff, f"/customers/{ids.new()}/wallet") == (404, "not_found")
    assert refusal(staff, f"/customers/{ids.new()}/wallet/entries") == (404, "not_found")
    assert refusal(staff_door(app), path) == (403, "forbidden")


def test_months_run_from_the_first_entry_to_now(customer: Door, customer_id: UUID) -> None:
    with at(NOVEMBER):
        assert read(customer, "/wallet/statements") == {"items": [{"month": "2026-11", "is_complete": False}]}
        # Still August in New York.
        give(customer_id, 1, when=datetime(2026, 9, 1, 3, 59, tzinfo=UTC))

        found = read(customer, "/wallet/statements")["items"]

    assert [each["month"] for each in found] == ["2026-11", "2026-10", "2026-09", "2026-08"]
    assert [each["is_complete"] for each in found] == [False, True, True, True]


def test_statement_opens_and_closes_with_what_stood_there(customer: Door, customer_id: UUID, merchant_id: UUID) -> None:
    give(customer_id, 1000, when=datetime(2026, 10, 1, 3, 59, tzinfo=UTC))
    give(customer_id, 2000, when=datetime(2026, 10, 1, 4, 0, tzinfo=UTC), reference="first")
    pay(customer_id, merchant_id)
    give(customer_id, 50, when=datetime(2026, 11, 1, 3, 59, 59, tzinfo=UTC))
    give(customer_id, 9, when=datetime(2026, 11, 1, 4, 0, tzinfo=UTC))

    with at(NOVEMBER):
        table = ask(customer, "/wallet/statements/2026-10.csv")
        page = ask(customer, "/wallet/statements/2026-10.pdf")

    rows = list(csv.DictReader(io.StringIO(table.data.decode("utf-8-sig"))))
    cash = [row for row in rows if row["account"] == "cash"]
    assert [row["line"] for row in cash] == ["opening", "entry", "entry", "entry", "closing"]
    assert [row["amount"] for row in cash] == ["", "20.00", "-3.50", "0.50", ""]
    assert [row["balance"] for row in cash] == ["10.00", "30.00", "26.50", "27.00", "27.00"]
    assert (cash[2]["merchant"], cash[2]["reference"]) == ("Café <Ψ> & Söhne", "'=order 7")
    assert [row["date"] for row in cash] == ["2026-10-01", "2026-10-01", "2026-10-10", "2026-10-31", "2026-11-01"]
    assert table.content_type.startswith("text/csv")

    text = told(page.data)
    for words in ("October 2026", "Cash · USD", "10.00", "+20.00", "−3.50", "27.00", "Café <Ψ> & Söhne", "1 / "):
        assert words in text, words
    assert page.content_type == "application/pdf"
    assert page.headers["Cache-Control"] == "private, no-cache"


def test_statement_speaks_the_readers_numbers(customer: Door, customer_id: UUID) -> None:
    give(customer_id, 123456, when=OCTOBER)

    with at(NOVEMBER):
        german = ask(customer, "/wallet/statements/2026-10.pdf", Accept_Language="de-DE,de;q=0.9,en;q=0.5")
        unknown = ask(customer, "/wallet/statements/2026-10.pdf", Accept_Language="tlh, *;q=0.1")

    assert "1.234,56" in told(german.data)
    assert "10.10.2026" in told(german.data)
    assert "1,234.56" in told(unknown.data)
    assert german.headers["ETag"] != unknown.headers["ETag"]
    assert "Accept-Language" in german.headers["Vary"]


@pytest.mark.parametrize("form", ["pdf", "csv"])
def test_statement_is_made_again_only_when_it_changed(customer: Door, customer_id: UUID, form: str) -> None:
    give(customer_id, 100, when=OCTOBER)
    path = f"/wallet/statements/2026-10.{form}"

    with at(OCTOBER + timedelta(days=1)):
        first = ask(customer, path)
    with at(OCTOBER + timedelta(days=2)):
        same = ask(customer, path, If_None_Match=first.headers["ETag"])
        give(customer_id, 5, when=OCTOBER)
        changed = ask(customer, path, If_None_Match=first.headers["ETag"])

    assert (same.status_code, same.data) == (304, b"")
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_the_current_month_says_until_now(customer: Door, customer_id: UUID) -> None:
    give(customer_id, 100, when=OCTOBER)

    with at(OCTOBER + timedelta(hours=2)):
        text = told(ask(customer, "/wallet/statements/2026-10.pdf").data)

    assert "until Oct 10, 2026, 10:00" in text
    assert "until now" in text


@pytest.mark.parametrize("form", ["pdf", "csv"])
def test_months_without_a_statement(customer: Door, customer_id: UUID, form: str) -> None:
    give(customer_id, 100, when=OCTOBER)

    with at(NOVEMBER):
        assert refusal(customer, f"/wallet/statements/2026-12.{form}") == (422, "statement_in_future")
        assert refusal(customer, f"/wallet/statements/9999-12.{form}") == (422, "statement_in_future")
        for month in ("2026-09", "2026-13", "0000-01", "2026-1", "october", "2026-10-01", "٢٠٢٦-١٠"):
            assert refusal(customer, f"/wallet/statements/{month}.{form}") == (404, "not_found")


def test_a_month_of_more_lines_than_pages_hold(
    customer: Door, customer_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet.documents.statement.MOST_ON_PAGES", 2)
    give(customer_id, 100, when=OCTOBER)
    give(customer_id, 100, when=OCTOBER)
    with at(NOVEMBER):
        assert ask(customer, "/wallet/statements/2026-10.pdf").status_code == 200
        give(customer_id, 100, when=OCTOBER)

        assert refusal(customer, "/wallet/statements/2026-10.pdf") == (422, "statement_too_long")
        assert ask(customer, "/wallet/statements/2026-10.csv").status_code == 200


def test_payment_is_shown_with_its_parts(customer: Door, customer_id: UUID, merchant_id: UUID, app: Flask) -> None:
    give(customer_id, 2000, when=OCTOBER)
    payment_id = pay(customer_id, merchant_id, tip_minor=200)
    give_back(payment_id, merchant_id, 150)

    shown = read(customer, f"/payments/{payment_id}")
    terminal = Principal("terminal", ids.new(), merchant_id=merchant_id, store_id=ids.new())
    till = Door(app, "/merchant/v1", tokens.MERCHANT, terminal)
    tills = read(till, f"/payments/{payment_id}")

    assert [(part["kind"], part["amount_minor"]) for part in shown["parts"]] == [
        ("gift_card", 500), ("coupon", 250), ("points", 400), ("cash", 350),
    ]  # fmt: skip
    assert sum(part["amount_minor"] for part in shown["parts"]) == shown["amount"]["amount_minor"] == 1500
    assert shown["parts"][2]["points"] == 40
    assert sum(part["refunded_minor"] for part in shown["parts"]) == 150
    assert shown["refunded"] == {"amount_minor": 150, "currency": "USD"}
    assert shown["tip"] == {"amount_minor": 200, "currency": "USD"}
    assert [(each["amount"]["amount_minor"], each["reference"]) for each in shown["refunds"]] == [(150, "milk")]
    assert shown["merchant_name"] == "Café <Ψ> & Söhne"
    assert UUID(shown["parts"][0].pop("voucher_id"))
    assert tills == shown


def test_receipt_is_a_page_a_drawing_and_a_picture(customer: Door, customer_id: UUID, merchant_id: UUID) -> None:
    give(customer_id, 2000, when=OCTOBER)
    payment_id = pay(customer_id, merchant_id, tip_minor=200)

    page, drawing, picture = (ask(customer, f"/payments/{payment_id}/receipt.{form}") for form in ("pdf", "svg", "png"))

    text = told(page.data)
    for words in ("Café <Ψ> & Söhne", "$15.00", "Gift card", "$5.00", "Points (40)", "$4.00", "Of which tip", "$2.00"):
        assert words in text, words
    assert "Café &lt;Ψ&gt; &amp; Söhne" in drawing.data.decode()
    assert drawing.content_type.startswith("image/svg+xml")
    assert drawing.headers["Content-Security-Policy"] == "default-src 'none'"
    assert Image.open(io.BytesIO(picture.data)).size[0] == 1280


def test_receipt_changes_with_a_refund(customer: Door, customer_id: UUID, merchant_id: UUID) -> None:
    give(customer_id, 2000, when=OCTOBER)
    payment_id = pay(customer_id, merchant_id)
    path = f"/payments/{payment_id}/receipt.pdf"

    first = ask(customer, path)
    same = ask(customer, path, If_None_Match=first.headers["ETag"])
    give_back(payment_id, merchant_id, 1500)
    changed = ask(customer, path, If_None_Match=first.headers["ETag"])

    assert first.data == ask(customer, path).data or same.status_code == 304
    assert same.status_code == 304
    assert "What has gone back" in told(changed.data)
    assert "What has gone back" not in told(first.data)


@pytest.mark.parametrize("path", ["", "/receipt.pdf", "/receipt.svg", "/receipt.png"])
def test_another_customers_payment_is_not_there(
    app: Flask, customer: Door, customer_id: UUID, merchant_id: UUID, path: str
) -> None:
    give(customer_id, 2000, when=OCTOBER)
    payment_id = pay(customer_id, merchant_id)
    stranger = customer_door(app, sign_up("+12025550199"))

    assert ask(customer, f"/payments/{payment_id}{path}").status_code == 200
    assert refusal(stranger, f"/payments/{payment_id}{path}") == (404, "not_found")
    assert refusal(stranger, f"/payments/{ids.new()}{path}") == (404, "not_found")
