"""Refunds that wait for somebody whose wallet is closed, as finance staff find and settle them."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from core import ids
from core.db import transaction
from tests.wallet.conftest import NOW
from tests.wallet.finance.people import ADJUSTMENTS, Person, add_customer, add_merchant, first_difference, give, usd
from wallet import accounts, payments, refunds
from wallet.identity import closures
from wallet.payments import Payment


@pytest.fixture
def ada(app: Flask) -> Person:
    return Person(app, *ADJUSTMENTS, "finance.read", "finance.book")


@pytest.fixture
def ben(app: Flask) -> Person:
    return Person(app, *ADJUSTMENTS)


def diverted(amount_minor: int = 700, *, number: int = 0) -> UUID:
    """A refund whose customer has closed their wallet."""
    customer_id, merchant_id = add_customer(number), add_merchant()
    give(accounts.of_customer(customer_id, "USD"), amount_minor)
    with transaction() as session:
        accounts.open_all(session, [accounts.of_merchant(merchant_id, "USD")])
    named: dict[str, Any] = {"principal": "test", "fingerprint": b"f", "merchant_id": merchant_id, "at": NOW}
    with transaction() as session:
        payment = Payment(
            **named, key=str(ids.new()), customer_id=customer_id, amount_minor=amount_minor, currency="USD"
        )
        paid = payments.pay(session.connection().connection.driver_connection, payment)  # type: ignore[arg-type]
    with transaction() as session:
        closures.close(session, customer_id, pay_out_to=None, forfeits=True, reason="own", asked_by="test", now=NOW)
    with transaction() as session:
        given = refunds.refund(session, **named, key=str(ids.new()), payment_id=paid.transfer_id, amount_minor=None)
    return given.transfer_id


def adjusted(ada: Person, ben: Person, amount_minor: int = 700, source: str = "brand:suspense") -> str:
    asked = ada.post(
        "/adjustments",
        {"from": source, "to": "brand:bank", "amount": usd(amount_minor), "reason": "payout", "reference": "P-1"},
    )
    assert asked.status_code == 201, asked.json
    assert ben.put(f"/adjustments/{asked.json['id']}/decision", {"approve": True}).status_code == 200
    return str(asked.json["id"])


def waiting(ada: Person, status: str = "waiting") -> list[dict[str, Any]]:
    return list(ada.get(f"/diverted-refunds?status={status}")["items"])


def test_refund_waits_until_it_is_given_to_whom_it_belongs(ada: Person, ben: Person) -> None:
    refund_id = diverted()
    [found] = waiting(ada)
    assert (found["refund_id"], found["amount"], found["status"]) == (str(refund_id), usd(700), "waiting")
    adjustment_id = adjusted(ada, ben)

    settled, again = (
        ada.put(f"/diverted-refunds/{refund_id}/settlement", {"adjustment_id": adjustment_id}) for _ in range(2)
    )

    assert (settled.status_code, settled.json["status"]) == (200, "settled")
    assert settled.json["settled_by"] == f"staff:{ada.principal.id}"
    assert again.json == settled.json
    assert (waiting(ada), len(waiting(ada, "settled"))) == ([], 1)
    with transaction() as session:
        actions = session.execute(text("SELECT action FROM core.audit_entry WHERE target LIKE 'refund:%'"))
        assert actions.scalars().all() == ["diverted_refund.settle"]
    assert first_difference() is None


def test_adjustment_settles_nothing_that_it_did_not_move(ada: Person, ben: Person) -> None:
    refund_id, path = diverted(), "/diverted-refunds/{}/settlement"
    not_decided = ada.post(
        "/adjustments",
        {"from": "brand:suspense", "to": "brand:bank", "amount": usd(700), "reason": "payout", "reference": "P"},
    ).json["id"]
    unfit = [
        adjusted(ada, ben, 699),
        adjusted(ada, ben, 700, source="brand:marketing"),
        not_decided,
        str(ids.new()),
    ]

    for adjustment_id in unfit:
        answer = ada.put(path.format(refund_id), {"adjustment_id": adjustment_id})
        assert (answer.status_code, answer.json["code"]) == (422, "adjustment_unfit")
    nobody = ada.put(path.format(ids.new()), {"adjustment_id": unfit[0]})
    assert (nobody.status_code, nobody.json["code"]) == (404, "not_found")
    assert len(waiting(ada)) == 1


def test_one_adjustment_settles_one_refund(ada: Person, ben: Person) -> None:
    first, second = diverted(), diverted(number=1)
    adjustment_id, other = adjusted(ada, ben), adjusted(ada, ben)
    path = "/diverted-refunds/{}/settlement"
    assert ada.put(path.format(first), {"adjustment_id": adjustment_id}).status_code == 200

    twice = ada.put(path.format(second), {"adjustment_id": adjustment_id})
    changed = ada.put(path.format(first), {"adjustment_id": other})

    assert (twice.status_code, twice.json["code"]) == (422, "adjustment_unfit")
    assert (changed.status_code, changed.json["code"]) == (409, "diverted_refund_settled")
    assert changed.json["adjustment_id"] == adjustment_id
