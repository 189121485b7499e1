"""Freezing a wallet, opening it again, and closing it for ever: empty, or paid out."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from core import clock, ids
from core.db import connection_of, transaction
from core.errors import Refusal
from tests.core.log import drain
from tests.wallet.conftest import NOW, balance, open_cash, open_payable, post, transfer
from tests.wallet.doors import Door, customer_door, sign_up, staff_door
from wallet import accounts, checks, ledger, lots, standing
from wallet.finance import customer_payouts
from wallet.finance.bank_accounts import BankAccount
from wallet.identity import closures, statuses
from wallet.reactions import READERS

OPEN, FROZEN, CLOSED = statuses.STATUSES
BANK: dict[str, Any] = {"holder": "Ana Lima", "iban": "DE89370400440532013000"}


@pytest.fixture
def customer(app: Flask) -> Door:
    return customer_door(app, sign_up())


@pytest.fixture
def staff(app: Flask) -> Door:
    return staff_door(app, "wallets.read", "wallets.freeze", "wallets.close")


def put(staff: Door, customer: Door, status: str, **more: Any) -> Any:
    body = {"status": status, "reason": "case-4711", **more}
    return staff.ask("PUT", f"/customers/{customer.id}/wallet-status", body)


def usd(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "USD"}


def hold_cash(customer: Door, amount_minor: int) -> UUID:
    with transaction() as session:
        return open_cash(connection_of(session), amount_minor, customer_id=customer.id)


def hold_gifts(customer: Door, opening: accounts.Opening, *amounts: int) -> None:
    """Lots on an account of the customer, the first of which has lapsed long ago."""
    giver = accounts.of_brand("loyalty", opening.asset)
    for number, amount in enumerate(amounts):
        expires_at = NOW.replace(year=2020) if number == 0 else None
        with transaction() as session:
            accounts.open_all(session, [giver, opening])
            leg, move = lots.give(opening, amount, source="promotion", expires_at=expires_at)
            ledger.post(connection_of(session), transfer([giver.leg(-amount), leg], lots=[move]))


def payouts() -> list[tuple[UUID, int, str, str]]:
    """Those of closed wallets: id, amount, how they stand, and who named the account."""
    now = clock.now()
    with transaction() as session:
        found = customer_payouts.page(session, status=None, before=None, limit=10, now=now)
        return [(each.row.id, each.row.amount_minor, each.status(now=now), each.row.set_by) for each in found]


def spend(account_id: UUID, amount_minor: int) -> None:
    with transaction() as session:
        connection = connection_of(session)
        post(connection, (account_id, -amount_minor), (open_payable(connection), amount_minor))


def status_of(customer: Door) -> str:
    with transaction() as session:
        return statuses.of(session, customer.id)


def announced() -> list[str]:
    query = (
        "SELECT name FROM core.event WHERE name IN ('wallet.frozen', 'wallet.unfrozen', 'wallet.closed') ORDER BY seq"
    )
    with transaction() as session:
        return list(session.scalars(text(query)))


def moved(customer: Door) -> list[tuple[str, str, int, str | None]]:
    """Kind, purpose, amount and reference of what the closing did to the customer's accounts, by purpose."""
    query = text(
        """
        SELECT t.kind, a.purpose, e.amount, t.details ->> 'reference'
          FROM wallet.transfer t JOIN wallet.entry e ON e.transfer_id = t.id
          JOIN wallet.account a ON a.id = e.account_id
         WHERE a.owner = :owner AND t.principal = 'wallet' ORDER BY a.purpose
        """
    )
    with transaction() as session:
        return [tuple(row) for row in session.execute(query, {"owner": f"customer:{customer.id}"})]


def balanced() -> bool:
    with transaction() as session:
        return checks.first_difference(connection_of(session)) is None


def test_frozen_wallet_pays_nothing_but_is_paid(customer: Door, staff: Door) -> None:
    cash = hold_cash(customer, 500)

    answer = put(staff, customer, FROZEN)

    assert (answer.status_code, answer.json) == (
        200,
        {"customer_id": str(customer.id), "status": FROZEN, "paid_out": [], "lapsed": []},
    )
    with pytest.raises(Refusal, match="Nothing may leave the account"):
        spend(cash, 1)
    hold_cash(customer, 100)
    assert put(staff, customer, OPEN).status_code == 200
    spend(cash, 600)
    assert announced() == ["wallet.frozen", "wallet.unfrozen"]


def test_wallet_that_is_opened_later_is_frozen_too(customer: Door, staff: Door) -> None:
    put(staff, customer, FROZEN)

    hold_gifts(customer, accounts.promotional(customer.id, "USD"), 100)

    with pytest.raises(Refusal, match="Nothing may leave the account"):
        spend(hold_cash(customer, 10), 1)
    assert status_of(customer) == FROZEN


def test_same_status_again_changes_nothing_and_each_change_is_audited(customer: Door, staff: Door) -> None:
    for status in (OPEN, FROZEN, FROZEN, OPEN, CLOSED, CLOSED):
        assert put(staff, customer, status).status_code == 200
        seen = staff.ask("GET", f"/customers/{customer.id}/wallet-status").json
        assert seen == {"customer_id": str(customer.id), "status": status}
        assert customer.ask("GET", "/wallet/status").json == {"status": status}

    with transaction() as session:
        rows = session.execute(text("SELECT action, target, change FROM core.audit_entry ORDER BY id")).all()
    assert [(row.change["previous_status"], row.change["status"]) for row in rows] == [
        (OPEN, FROZEN),
        (FROZEN, OPEN),
        (OPEN, CLOSED),
    ]
    assert {(row.action, row.target, row.change["reason"]) for row in rows} == {
        ("wallet.status_set", f"customer:{customer.id}", "case-4711")
    }
    assert announced() == ["wallet.frozen", "wallet.unfrozen", "wallet.closed"]


def test_closed_wallet_opens_no_more(customer: Door, staff: Door) -> None:
    put(staff, customer, CLOSED)

    assert [put(staff, customer, status).json["code"] for status in (OPEN, FROZEN)] == ["account_closed"] * 2
    with transaction() as session:
        accounts.open_all(session, [accounts.of_customer(customer.id, "USD")])
    assert status_of(customer) == CLOSED
    with pytest.raises(Refusal, match="The account is closed"):
        hold_cash(customer, 1)


def test_reader_that_opens_wallets_opens_no_closed_one(customer: Door, staff: Door) -> None:
    put(staff, customer, CLOSED)

    assert drain(*[reader for reader in READERS if reader.name == "wallet.open"]) > 0

    assert status_of(customer) == CLOSED


def test_empty_wallet_is_closed_by_its_customer_once(customer: Door) -> None:
    first = customer.ask("POST", "/wallet/closure", {}, key="one")
    again = customer.ask("POST", "/wallet/closure", {}, key="one")

    assert (first.status_code, first.json) == (201, {"status": CLOSED, "paid_out": [], "lapsed": []})
    assert (again.status_code, again.json, again.headers["Idempotency-Replayed"]) == (201, first.json, "true")
    assert customer.code("POST", "/wallet/closure", {}) == (422, "account_closed")
    assert announced() == ["wallet.closed"]


def test_wallet_that_holds_something_is_not_closed_and_says_what(customer: Door, staff: Door) -> None:
    hold_cash(customer, 500)
    hold_gifts(customer, accounts.points(customer.id), 7)

    for answer in (customer.ask("POST", "/wallet/closure", {}), put(staff, customer, CLOSED)):
        assert (answer.status_code, answer.json["code"]) == (422, "account_not_empty")  # type: ignore[index]
        left = {each["purpose"]: each["amount_minor"] for each in answer.json["left"]}  # type: ignore[index]
        assert left == {"cash": 500, "points": 7}
    assert (status_of(customer), announced()) == (OPEN, [])


def test_customer_says_where_the_cash_goes(customer: Door) -> None:
    hold_cash(customer, 500)
    hold_gifts(customer, accounts.points(customer.id), 7)

    first, again = (customer.ask("POST", "/wallet/closure", {"pay_out_to": BANK}, "k") for _ in range(2))

    assert (first.status_code, again.json) == (201, first.json)
    [paid_out] = first.json["paid_out"]  # type: ignore[index]
    assert {name: value for name, value in paid_out.items() if name != "payout_id"} == {
        **usd(500), "number_ends": "3000",
    }  # fmt: skip
    assert first.json["lapsed"] == [{"amount_minor": 7, "currency": "PTS"}]  # type: ignore[index]
    assert payouts() == [(UUID(paid_out["payout_id"]), 500, "waiting", f"customer:{customer.id}")]
    assert balanced()


def test_cash_is_paid_out_and_the_rest_lapses_as_staff_close(customer: Door, staff: Door) -> None:
    hold_cash(customer, 500)
    hold_gifts(customer, accounts.points(customer.id), 7, 2)
    hold_gifts(customer, accounts.promotional(customer.id, "USD"), 30)

    answer = put(staff, customer, CLOSED, pay_out_to=BANK)

    lapsed = [{"amount_minor": 9, "currency": "PTS"}, usd(30)]
    [(payout_id, *payout)] = payouts()
    assert payout == [500, "waiting", f"staff:{staff.id}"]
    paid_out = [{**usd(500), "payout_id": str(payout_id), "number_ends": "3000"}]
    assert (answer.status_code, answer.json) == (
        200,
        {"customer_id": str(customer.id), "status": CLOSED, "paid_out": paid_out, "lapsed": lapsed},
    )
    assert moved(customer) == [
        ("payout", "cash", -500, None),
        ("lapse", "points", -9, None),
        ("lapse", "promotional", -30, None),
    ]
    assert balanced()
    with transaction() as session:
        [event] = session.scalars(text("SELECT payload FROM core.event WHERE name = 'wallet.closed'")).all()
    assert event == {"reason": "case-4711", "paid_out": [usd(500)], "lapsed": lapsed}


def test_what_cannot_be_paid_out_is_forfeited_where_there_is_no_cash(customer: Door) -> None:
    hold_gifts(customer, accounts.points(customer.id), 7)

    answer = customer.ask("POST", "/wallet/closure", {"forfeit": True})

    assert answer.json == {"status": CLOSED, "paid_out": [], "lapsed": [{"amount_minor": 7, "currency": "PTS"}]}


def test_cash_is_never_forfeited(customer: Door) -> None:
    hold_cash(customer, 1)

    assert customer.code("POST", "/wallet/closure", {"forfeit": True}) == (422, "account_not_empty")


def test_who_owes_is_not_paid_out(customer: Door, staff: Door) -> None:
    hold_cash(customer, 500)
    debt = accounts.debt(customer.id, "USD")
    with transaction() as session:
        accounts.open_all(session, [debt])
        post(connection_of(session), (debt.id, -80), (accounts.of_provider("USD").id, 80))

    answer = put(staff, customer, CLOSED, pay_out_to=BANK)

    assert (answer.status_code, answer.json["code"]) == (422, "account_not_empty")
    assert {"purpose": "debt", "amount_minor": -80, "held_minor": 0, "currency": "USD"} in answer.json["left"]
    assert (status_of(customer), moved(customer)) == (OPEN, [])


def test_who_freezes_wallets_may_not_close_them(app: Flask, customer: Door) -> None:
    hold_cash(customer, 500)
    freezer, closer = staff_door(app, "wallets.freeze"), staff_door(app, "wallets.close")

    for staff, permission in ((freezer, "wallets.close"), (closer, "wallets.freeze")):
        answer = put(staff, customer, CLOSED, pay_out_to=BANK)
        assert (answer.status_code, answer.json["code"], answer.json["permission"]) == (403, "forbidden", permission)
    assert (status_of(customer), moved(customer)) == (OPEN, [])
    assert [put(freezer, customer, status).status_code for status in (FROZEN, OPEN)] == [200, 200]


def test_frozen_wallet_is_closed_by_staff_only(customer: Door, staff: Door) -> None:
    hold_cash(customer, 500)
    put(staff, customer, FROZEN)

    assert customer.code("POST", "/wallet/closure", {}) == (422, "account_frozen")
    answer = put(staff, customer, CLOSED, pay_out_to=BANK)

    assert (answer.status_code, [each["amount_minor"] for each in answer.json["paid_out"]]) == (200, [500])
    assert announced() == ["wallet.frozen", "wallet.closed"]
    assert put(staff, customer, CLOSED, pay_out_to=BANK).json["paid_out"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"pay_out_to": "payout-8841"},
        {"pay_out_to": {}},
        {"pay_out_to": {"holder": "Ana Lima"}, "more": 1},
        {"pay_out_to": {**BANK, "currency": "USD"}},
        {"pay_out_to": 7},
        {"forfeit": "yes"},
        {"amount": 1},
    ],
)
def test_bad_closure_is_refused(customer: Door, staff: Door, body: Any) -> None:
    answer = put(staff, customer, CLOSED, **body)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")
    assert customer.code("POST", "/wallet/closure", body) == (422, "invalid_input")
    assert status_of(customer) == OPEN


@pytest.mark.parametrize(
    "bank",
    [
        {**BANK, "iban": "DE89370400440532013001"},
        {**BANK, "holder": "Ana Lima <b>"},
        {**BANK, "bic": "DEUT"},
        {"holder": "Ana Lima"},
        {**BANK, "account_number": "12345678"},
    ],
)
def test_cash_goes_to_no_account_that_is_none(customer: Door, staff: Door, bank: Any) -> None:
    hold_cash(customer, 500)

    answer = put(staff, customer, CLOSED, pay_out_to=bank)

    assert (answer.status_code, answer.json["code"]) == (422, "bank_account_invalid")
    assert customer.code("POST", "/wallet/closure", {"pay_out_to": bank}) == (422, "bank_account_invalid")
    assert (status_of(customer), moved(customer), payouts()) == (OPEN, [], [])


@pytest.mark.parametrize("body", [{"status": "gone"}, {"status": FROZEN, "reason": "He is a fraud"}, {}])
def test_bad_status_is_refused(customer: Door, staff: Door, body: Any) -> None:
    answer = staff.ask("PUT", f"/customers/{customer.id}/wallet-status", {"reason": "case-1", **body})

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_input")  # type: ignore[index]


def test_nobodys_wallet_is_not_frozen(customer: Door, staff: Door) -> None:
    body = {"status": FROZEN, "reason": "case-1"}

    assert staff.code("PUT", f"/customers/{ids.new()}/wallet-status", body) == (404, "not_found")
    assert staff.code("GET", f"/customers/{ids.new()}/wallet-status") == (404, "not_found")


def test_key_is_needed_to_close(customer: Door) -> None:
    answer = customer.client.post("/app/v1/wallet/closure", json={}, headers=customer.headers)

    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")  # type: ignore[index]


def test_freezing_amid_payments_stops_them(customer: Door, staff: Door) -> None:
    cash = hold_cash(customer, 2000)

    def deed(number: int) -> str:
        if number == 6:
            return str(put(staff, customer, FROZEN).status_code)
        try:
            spend(cash, 100)
        except Refusal as refusal:
            return refusal.code
        return "paid"

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(deed, range(16)))

    assert set(told) - {"200"} <= {"paid", "account_frozen"}
    assert told[6] == "200"
    with pytest.raises(Refusal, match="Nothing may leave the account"):
        spend(cash, 1)
    with transaction() as session:
        assert balance(connection_of(session), cash) == 2000 - 100 * told.count("paid")


def test_payments_and_closings_at_once_leave_the_books_balanced(customer: Door) -> None:
    cash = hold_cash(customer, 1000)

    def pay(_: int) -> str:
        try:
            spend(cash, 100)
        except Refusal as refusal:
            return refusal.code
        return "paid"

    def close(_: int) -> str:
        try:
            with transaction() as session:
                closures.close(
                    session, customer.id, pay_out_to=BankAccount(**BANK), forfeits=False, reason="case-1",
                    asked_by="staff:test", now=clock.now(),
                )  # fmt: skip
        except Refusal as refusal:
            return refusal.code
        return "closed"

    with ThreadPoolExecutor(6) as pool:
        paid, closed = pool.map(pay, range(12)), pool.map(close, range(4))
        told = [*paid, *closed]

    assert set(told) <= {"paid", "closed", "busy", "account_closed", "account_not_empty", "insufficient_funds"}
    assert told.count("closed") <= 1
    assert balanced()
    if "closed" in told:
        assert -sum(amount for _, _, amount, _ in moved(customer)) + 100 * told.count("paid") == 1000
        with transaction() as session:
            assert standing.of(session, f"customer:{customer.id}") == CLOSED
