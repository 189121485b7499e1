"""A report's fees and payouts, booked once, so that the next reconciliation finds them."""

from datetime import timedelta

import pytest
from flask import Flask
from psycopg import Connection

from core import clock, ids
from core.db import transaction
from core.errors import NotFound
from tests.wallet.conftest import count
from tests.wallet.finance.books import CLOSE, Books, balance_line, cash
from tests.wallet.finance.test_finance_api import Desk
from tests.wallet.finance.test_safeguarding import DAY, figures, import_, listed, reconcile
from wallet import accounts
from wallet.finance import provider_postings
from wallet.finance.provider_postings import Booked


def report_id(connection: Connection, reference: str = "day-1"):  # type: ignore[no-untyped-def]
    row = connection.execute("SELECT id FROM wallet.provider_report WHERE reference = %s", [reference]).fetchone()
    assert row
    return row[0]


def book(connection: Connection) -> list[Booked]:
    with transaction() as session:
        return provider_postings.book(session, report_id(connection), actor="operator", now=clock.now())


def test_fees_and_payouts_are_in_our_books_then(connection: Connection) -> None:
    books = Books(connection)
    books.topup(cash(), 5000, reference="ch_1")
    import_("charge,ch_1,5000", "fee,ch_1,-175", "fee,month,-25", "payout,po_1,-1000", balance_line(3800))
    before = reconcile()

    booked, again = book(connection), book(connection)
    after = reconcile()

    assert [each[1] for each in listed(before)] == ["fee:ch_1", "fee:month", "po_1"]
    assert [(each.kind, each.currency, each.amount_minor) for each in booked] == [
        ("provider.fees", "USD", 200),
        ("provider.payouts", "USD", 1000),
    ]
    assert again == booked
    assert listed(after) == []
    assert figures(after) == {"cash": 5000, "owed": 5000, "booked": 3800, "held": 3800}
    assert books.balance(accounts.of_brand("fees", "USD")) == -200
    assert books.balance(accounts.of_brand("bank", "USD")) == -1000


def test_lines_of_another_day_stay_what_they_are(connection: Connection) -> None:
    import_("fee,f_1,-10", balance_line(-10))
    next_close = CLOSE + timedelta(days=1)
    fee = f"fee,f_2,-5,USD,{next_close.isoformat()}"
    import_(fee, balance_line(-15, at=next_close), reference="day-2")
    book(connection)

    found = reconcile(DAY + timedelta(days=1), now=next_close)

    assert [each[1] for each in listed(found)] == ["fee:f_2"]


def test_report_without_fees_books_nothing(connection: Connection) -> None:
    import_("charge,ch_1,5", balance_line(5))

    assert book(connection) == []
    assert count(connection, "wallet.transfer") == 0


def test_report_that_is_not_there_is_not_found(connection: Connection) -> None:
    with pytest.raises(NotFound), transaction() as session:
        provider_postings.book(session, ids.new(), actor="operator", now=clock.now())


def test_booking_is_asked_for_at_the_door(app: Flask, connection: Connection) -> None:
    desk = Desk(app, frozenset({"finance.book"}))
    import_("fee,f_1,-10", balance_line(-10))
    path = f"/finance/provider-reports/{report_id(connection)}/postings"

    first, again, other = (desk.send("POST", path, {}, key=key) for key in ("k", "k", "l"))

    assert (first.status_code, first.json["items"][0]["amount"]) == (201, {"amount_minor": 10, "currency": "USD"})  # type: ignore[index]
    assert first.json == again.json == other.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(connection, "wallet.transfer WHERE state = 'posted'") == 1
