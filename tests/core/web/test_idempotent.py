"""The same key and body get the same answer again; what may still change is never kept."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core import idempotency
from core.db import transaction
from core.errors import Busy, Forbidden, Kind, Refusal
from core.idempotency import InFlight
from tests.core.web.shop import CUSTOMER, Shop, SoldOut

pytestmark = pytest.mark.usefixtures("database")

GOOD = {"price": {"amount_minor": 100, "currency": "USD"}, "quantity": 1}


def order(till: FlaskClient, *, key: str | None = "k", who: str = "customer", **change: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {who}"} | ({"Idempotency-Key": key} if key is not None else {})
    return till.post("/app/orders", json=GOOD | change, headers=headers)


@pytest.mark.parametrize("key", [None, "", "   ", "k" * 256, "k\u00e9y"])
def test_a_command_needs_a_key(till: FlaskClient, shop: Shop, key: str | None) -> None:
    answer = order(till, key=key)

    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")
    assert shop.orders == 0


def test_the_same_request_again_gets_the_same_answer(till: FlaskClient, shop: Shop) -> None:
    first, again = order(till), order(till)

    assert (first.status_code, first.json["id"]) == (201, 1)
    assert (again.status_code, again.text) == (201, first.text)
    assert first.text.strip() == json.dumps(first.json, separators=(",", ":"))
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert shop.orders == 1


def test_another_body_under_the_same_key_is_refused(till: FlaskClient, shop: Shop) -> None:
    order(till)

    other = order(till, quantity=2)

    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert shop.orders == 1


def test_a_key_belongs_to_its_principal(till: FlaskClient, shop: Shop) -> None:
    assert [order(till).json["id"], order(till, who="clerk").json["id"]] == [1, 2]


def test_a_twin_in_flight_is_told_to_come_back(till: FlaskClient, shop: Shop) -> None:
    twins: list[TestResponse] = []

    def twin_comes() -> None:
        shop.meanwhile = lambda: None
        twins.append(order(till.application.test_client()))

    shop.meanwhile = twin_comes
    first = order(till)

    assert first.status_code == 201
    assert (twins[0].status_code, twins[0].json["code"]) == (409, "idempotency_in_flight")
    assert twins[0].headers["Retry-After"] == "1"
    assert order(till).json == first.json


def test_a_business_refusal_is_kept(till: FlaskClient, shop: Shop) -> None:
    shop.refusal = SoldOut("Only 0 left", left=0)
    first = order(till)
    shop.refusal = None

    again = order(till)

    assert (first.status_code, first.json["code"], first.json["left"]) == (422, "test_sold_out", 0)
    assert (again.status_code, again.json, again.content_type) == (422, first.json, "application/problem+json")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert shop.orders == 0


class Limited(Refusal):
    code = "test_limited"
    kind = Kind.LIMITED


class Conflicting(Refusal):
    code = "test_conflict"
    kind = Kind.CONFLICT


@pytest.mark.parametrize("refusal", [Forbidden(), Conflicting(), Limited(), Busy(), InFlight()])
def test_what_may_still_change_is_never_kept(till: FlaskClient, shop: Shop, refusal: Refusal) -> None:
    shop.refusal = refusal
    assert order(till).status_code in (403, 409, 429, 503)
    shop.refusal = None

    assert order(till).status_code == 201


def test_a_fault_of_ours_is_never_kept(till: FlaskClient, shop: Shop) -> None:
    def fail() -> None:
        shop.meanwhile = lambda: None
        raise ValueError

    shop.meanwhile = fail

    assert [order(till).status_code, order(till).status_code] == [500, 201]


def test_blanks_and_the_order_of_members_do_not_matter(till: FlaskClient, shop: Shop) -> None:
    order(till)
    body = b'{ "quantity": 1,\n "price": {"currency": "USD", "amount_minor": 100} }'
    headers = {"Authorization": "Bearer customer", "Idempotency-Key": "k", "Content-Type": "application/json"}

    assert till.post("/app/orders", data=body, headers=headers).headers["Idempotency-Replayed"] == "true"


def test_the_first_answer_kept_stays() -> None:
    names: dict[str, Any] = {"principal": CUSTOMER.name, "key": "k", "fingerprint": b"f"}
    for number in (1, 2):
        with transaction() as session:
            from core import clock

            idempotency.keep(session, **names, answer=idempotency.Answer(201, {"id": number}), now=clock.now())

    with transaction() as session:
        assert idempotency.begin(session, **names) == idempotency.Answer(201, {"id": 1})
