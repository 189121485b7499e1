"""Where money is paid: one person names a bank account, and it holds once a second one agrees."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from flask import Flask
from psycopg import Connection

from auth.models import Approval
from core import clock, crypto, ids
from core.db import transaction
from core.errors import NotFound
from tests.wallet.conftest import count
from tests.wallet.doors import customer_door
from tests.wallet.finance.books import Books, add_merchant
from tests.wallet.finance.people import add_customer, first_difference, give
from tests.wallet.finance.test_finance_api import Desk
from tests.wallet.finance.test_finance_races import at_once
from tests.wallet.finance.test_settlements import NEXT_MORNING, pay
from tests.wallet.finance.test_settlements import settle as settle_all
from wallet import accounts
from wallet.finance import bank_accounts, payout_files
from wallet.finance.errors import NothingToPayOut
from wallet.finance.pain001 import NAMESPACE

BERLIN: dict[str, Any] = {"holder": "Corner Shop", "iban": "DE89370400440532013000"}
LONDON: dict[str, Any] = {"holder": "Thief", "iban": "GB82WEST12345698765432"}


@pytest.fixture
def ada(app: Flask) -> Desk:
    return Desk(app, frozenset({"finance.read", "finance.bank", "finance.bank_approve", "finance.pay_out"}))


@pytest.fixture
def ben(app: Flask) -> Desk:
    return Desk(app, frozenset({"finance.bank", "finance.bank_approve"}))


def name(desk: Desk, shop: UUID, account: dict[str, Any] = BERLIN) -> str:
    answer = desk.send("PUT", f"/merchants/{shop}/bank-account", {"currency": "USD", **account})
    assert (answer.status_code, answer.json["status"]) == (200, "waiting")  # type: ignore[index]
    return str(answer.json["id"])  # type: ignore[index]


def decide(desk: Desk, bank_account_id: str, *, approve: bool = True) -> Any:
    return desk.send("PUT", f"/bank-accounts/{bank_account_id}/decision", {"approve": approve})


def ends(desk: Desk, shop: UUID, which: str = "holding") -> str | None:
    answer = desk.get(f"/merchants/{shop}/bank-account?currency=USD&which={which}")
    return answer.json["number_ends"] if answer.status_code == 200 else None  # type: ignore[index]


def test_account_holds_once_another_person_agrees(ada: Desk, ben: Desk) -> None:
    shop = add_merchant()
    bank_account_id = name(ada, shop)
    before = ends(ada, shop), ends(ada, shop, "latest")

    own = decide(ada, bank_account_id)
    agreed, again = decide(ben, bank_account_id), decide(ben, bank_account_id)

    assert before == (None, "3000")
    assert (own.status_code, own.json["code"]) == (403, "self_approval")
    assert (agreed.status_code, agreed.json["status"]) == (200, "holding")
    assert agreed.json["decided_by"] == f"staff:{ben.principal.id}"
    assert again.json == agreed.json
    assert ends(ada, shop) == "3000"


def test_changed_account_is_not_paid_before_another_person_agrees(ada: Desk, ben: Desk, connection: Connection) -> None:
    shop = add_merchant()
    pay(Books(connection), shop, 500)
    settle_all()
    decide(ben, name(ada, shop))
    changed = name(ada, shop, LONDON)

    made = ada.send("POST", "/payout-files", {"currency": "USD"})

    assert made.status_code == 201
    paid = ada.get(f"/payout-files/{made.json['id']}/file.csv").data.decode()  # type: ignore[index]
    assert ("DE89370400440532013000" in paid, "GB82" in paid) == (True, False)
    assert decide(ben, changed, approve=False).json["status"] == "refused"
    assert ends(ada, shop) == "3000"
    late = decide(ben, changed)
    assert (late.status_code, late.json["code"]) == (409, "approval_decided")


def test_account_that_another_has_replaced_is_agreed_to_no_more(ada: Desk, ben: Desk) -> None:
    shop = add_merchant()
    first, overtaken, last = name(ada, shop), name(ada, shop), name(ada, shop, LONDON)
    assert decide(ben, first).json["status"] == "holding"
    assert decide(ben, last).json["status"] == "holding"

    late = decide(ben, overtaken)

    assert (late.status_code, late.json["code"]) == (409, "bank_account_replaced")
    assert late.json["bank_account_id"] == last
    assert decide(ben, first).json["status"] == "holding", "the same word again"
    assert decide(ben, overtaken, approve=False).json["status"] == "refused"
    assert ends(ada, shop) == "5432"


def test_account_that_waits_pays_nobody(ada: Desk, connection: Connection) -> None:
    shop = add_merchant()
    pay(Books(connection), shop, 500)
    settle_all()
    name(ada, shop)

    answer = ada.send("POST", "/payout-files", {"currency": "USD"})

    assert (answer.status_code, answer.json["code"]) == (422, "nothing_to_pay_out")  # type: ignore[index]
    assert answer.json["without_bank_account"] == [str(shop)]  # type: ignore[index]


def test_account_from_before_second_persons_holds(ada: Desk, connection: Connection) -> None:
    shop = add_merchant()
    bank_account_id = name(ada, shop)
    # As a migration finds it: the table's rows are written once.
    connection.execute("ALTER TABLE wallet.merchant_bank_account DISABLE TRIGGER USER")
    connection.execute("UPDATE wallet.merchant_bank_account SET approval_id = NULL")
    connection.execute("ALTER TABLE wallet.merchant_bank_account ENABLE TRIGGER USER")

    assert ends(ada, shop) == "3000"
    with pytest.raises(NotFound), transaction() as session:
        bank_accounts.decide(
            session, UUID(bank_account_id), approve=True, reason=None, decided_by="staff:x", now=clock.now()
        )


def test_word_that_comes_too_late_is_none(ada: Desk, ben: Desk, connection: Connection) -> None:
    shop = add_merchant()
    bank_account_id = name(ada, shop)
    connection.execute("UPDATE auth.approval SET expires_at = %s", [clock.now() - timedelta(seconds=1)])

    answer = decide(ben, bank_account_id)

    assert (answer.status_code, answer.json["code"]) == (422, "approval_lapsed")
    assert ada.get(f"/merchants/{shop}/bank-account?currency=USD&which=latest").json["status"] == "lapsed"  # type: ignore[index]
    assert ends(ada, shop) is None


def test_account_of_nobody_is_not_decided(ben: Desk) -> None:
    assert decide(ben, str(ids.new())).status_code == 404


# Payouts of closed wallets


def closed(app: Flask, amount_minor: int = 700, number: int = 0) -> str:
    """The payout of a wallet that its customer closed."""
    customer_id = add_customer(number)
    give(accounts.of_customer(customer_id, "USD"), amount_minor)
    door = customer_door(app, customer_id)
    answer = door.ask("POST", "/wallet/closure", {"pay_out_to": {**BERLIN, "holder": "Ana Lima"}})
    assert answer.status_code == 201, answer.json
    return str(answer.json["paid_out"][0]["payout_id"])  # type: ignore[index]


def told(desk: Desk, status: str) -> list[str]:
    return [each["id"] for each in desk.get(f"/customer-payouts?status={status}").json["items"]]  # type: ignore[index]


def test_cash_of_a_closed_wallet_is_paid_by_one_file(app: Flask, ada: Desk, ben: Desk) -> None:
    app.extensions["settings"] = replace(
        app.extensions["settings"], payout_debtor_name="Brand", payout_debtor_account="DE89370400440532013000"
    )
    payout_id = closed(app)
    waiting = ada.send("POST", "/payout-files", {"currency": "USD"})
    agreed = ben.send("PUT", f"/customer-payouts/{payout_id}/decision", {"approve": True})
    made = ada.send("POST", "/payout-files", {"currency": "USD"})
    again = ada.send("POST", "/payout-files", {"currency": "USD"})

    assert (waiting.status_code, again.status_code) == (422, 422)
    assert (agreed.status_code, agreed.json["status"]) == (200, "agreed")  # type: ignore[index]
    assert (made.json["payout_count"], made.json["control_sum_minor"]) == (1, 700)  # type: ignore[index]
    file_id = made.json["id"]  # type: ignore[index]
    assert [each["payout_file_id"] for each in ada.get("/customer-payouts").json["items"]] == [file_id]  # type: ignore[index]
    document, names = ElementTree.fromstring(ada.get(f"/payout-files/{file_id}/file.xml").data), {"p": NAMESPACE}
    assert document.findtext(".//p:CdtTrfTxInf/p:Cdtr/p:Nm", None, names) == "Ana Lima"
    assert document.findtext(".//p:CdtTrfTxInf/p:PmtId/p:EndToEndId", None, names) == UUID(payout_id).hex
    table = ada.get(f"/payout-files/{file_id}/file.csv").data.decode("utf-8-sig").splitlines()
    assert table[1].startswith(f"{payout_id},,Ana Lima,DE89370400440532013000")
    assert first_difference() is None


def test_erased_customer_holds_nobody_elses_payout_up(app: Flask, ada: Desk, ben: Desk, connection: Connection) -> None:
    app.extensions["settings"] = replace(
        app.extensions["settings"], payout_debtor_name="Brand", payout_debtor_account="DE89370400440532013000"
    )
    gone, stays, late = (closed(app, 100 * 2**number, number) for number in range(3))
    for payout_id in (gone, stays, late):
        ben.send("PUT", f"/customer-payouts/{payout_id}/decision", {"approve": True})
    erase(connection, late)
    made: Any = ada.send("POST", "/payout-files", {"currency": "USD"}).json
    path, names = f"/payout-files/{made['id']}", {"p": NAMESPACE}

    erase(connection, gone)

    document = ElementTree.fromstring(ada.get(f"{path}/file.xml").data)
    table = ada.get(f"{path}/file.csv").data.decode("utf-8-sig").splitlines()
    assert (made["payout_count"], made["control_sum_minor"], told(ada, "agreed")) == (2, 300, [late])
    assert [each.text for each in document.iterfind(".//p:NbOfTxs", names)] == ["1", "1"]
    assert [each.text for each in document.iterfind(".//p:CtrlSum", names)] == ["2.00", "2.00"]
    assert [each.text for each in document.iterfind(".//p:EndToEndId", names)] == [UUID(stays).hex]
    assert table[1] == f"{gone},,,,,,,,1.00,USD,100,Payout {gone}"
    assert table[-1].startswith("control sum,,,,,,,,3.00,USD,300")

    erase(connection, stays)

    nobody = ada.get(f"{path}/file.xml")
    assert (nobody.status_code, nobody.json["code"]) == (404, "erased")  # type: ignore[index]
    assert ada.get(f"{path}/file.csv").status_code == 200


def erase(connection: Connection, payout_id: str) -> None:
    row = connection.execute("SELECT customer_id FROM wallet.customer_payout WHERE id = %s", [payout_id]).fetchone()
    assert row
    with transaction() as session:
        crypto.destroy_data_key(session, row[0])


def test_refused_account_is_named_anew_and_asked_for_again(app: Flask, ada: Desk, ben: Desk) -> None:
    payout_id = closed(app)
    path = f"/customer-payouts/{payout_id}"
    assert told(ada, "waiting") == [payout_id]
    refused = ben.send("PUT", f"{path}/decision", {"approve": False}).json["status"]  # type: ignore[index]
    stood = told(ada, "refused")
    bad = ben.send("PUT", f"{path}/bank-account", {**BERLIN, "iban": "DE00"})
    named = ben.send("PUT", f"{path}/bank-account", LONDON)

    own = ben.send("PUT", f"{path}/decision", {"approve": True})
    agreed = ada.send("PUT", f"{path}/decision", {"approve": True})
    file_id = ada.send("POST", "/payout-files", {"currency": "USD"}).json["id"]  # type: ignore[index]
    late = ben.send("PUT", f"{path}/bank-account", BERLIN)

    assert (refused, stood) == ("refused", [payout_id])
    assert (bad.status_code, bad.json["code"]) == (422, "bank_account_invalid")  # type: ignore[index]
    assert (named.status_code, named.json["status"]) == (200, "waiting")  # type: ignore[index]
    assert (own.status_code, agreed.json["status"]) == (403, "agreed")  # type: ignore[index]
    assert (late.status_code, late.json["code"]) == (409, "payout_on_its_way")  # type: ignore[index]
    assert late.json["payout_file_id"] == file_id  # type: ignore[index]
    assert "GB82WEST12345698765432" in ada.get(f"/payout-files/{file_id}/file.csv").data.decode()
    assert ben.send("PUT", f"/customer-payouts/{ids.new()}/decision", {"approve": True}).status_code == 404


def test_file_takes_no_account_that_was_changed_after_the_word(app: Flask, ada: Desk, ben: Desk) -> None:
    payout_id = closed(app)
    ben.send("PUT", f"/customer-payouts/{payout_id}/decision", {"approve": True})
    assert told(ada, "agreed") == [payout_id]

    ben.send("PUT", f"/customer-payouts/{payout_id}/bank-account", LONDON)

    assert ada.send("POST", "/payout-files", {"currency": "USD"}).status_code == 422
    with transaction() as session:
        assert session.query(Approval).count() == 2


def test_payouts_of_many_wallets_are_each_in_one_file(app: Flask, ben: Desk, connection: Connection) -> None:
    payouts = [closed(app, 100 + number, number) for number in range(3)]
    for payout_id in payouts:
        ben.send("PUT", f"/customer-payouts/{payout_id}/decision", {"approve": True})

    def make() -> None:
        with transaction() as session:
            payout_files.make(session, currency="USD", actor="staff:test", now=NEXT_MORNING)

    outcomes = at_once(make)

    assert outcomes.count("done") == 1
    assert set(outcomes) <= {"done", NothingToPayOut.code}
    assert count(connection, "wallet.customer_payout WHERE file_id IS NOT NULL") == 3
    query = "SELECT payout_count, control_sum_minor FROM wallet.payout_file"
    assert connection.execute(query).fetchall() == [(3, 303)]


def test_decision_and_change_of_an_account_at_once_agree_to_what_was_seen(
    app: Flask, ada: Desk, ben: Desk, connection: Connection
) -> None:
    for number in range(6):
        payout_id = closed(app, 100, number)
        path = f"/customer-payouts/{payout_id}"

        with ThreadPoolExecutor(2) as pool:
            decided = pool.submit(Desk(app, frozenset({"finance.bank_approve"})).send, "PUT", f"{path}/decision",
                                  {"approve": True})  # fmt: skip
            changed = pool.submit(ben.send, "PUT", f"{path}/bank-account", LONDON)
            assert (decided.result().status_code, changed.result().status_code) == (200, 200)

    # Whichever was first: an account that somebody has agreed to is in no row whose account was changed after it.
    assert not requests_agreed_after_change(connection)


def requests_agreed_after_change(connection: Connection) -> list[Any]:
    return connection.execute(
        """SELECT p.id FROM wallet.customer_payout p JOIN auth.approval a ON a.id = p.approval_id
            WHERE a.used_at IS NOT NULL AND a.fingerprint <> sha256(p.details)"""
    ).fetchall()
