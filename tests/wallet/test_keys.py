"""One key, one request, at whichever route: what stands in one place is known in every other."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from core import ids
from core.db import connection_of, transaction
from tests.wallet.doors import Door, customer_door, sign_up, staff_door
from tests.wallet.finance.people import add_merchant, give
from wallet import accounts, checks

Asking = Callable[[Door, str], TestResponse]


def usd(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "USD"}


@pytest.fixture
def merchant_id(app: Flask) -> UUID:
    return add_merchant()


@pytest.fixture
def anna(app: Flask) -> Door:
    door = customer_door(app, sign_up())
    give(accounts.of_customer(door.id, "USD"), 10_000)
    return door


def customers_requests(merchant_id: UUID) -> dict[str, Asking]:
    """One of each way in which a customer's key is kept: with a transfer, with an answer, on a row of its own."""
    pay = {"merchant_id": str(merchant_id), "amount": usd(100)}
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        "payment": ("/payments", pay),
        "declined payment": ("/payments", {**pay, "amount": usd(1_000_000)}),
        "mixed payment": ("/payments", {**pay, "sources": [{"kind": "cash"}]}),
        "declined mixed payment": ("/payments", {**pay, "amount": usd(1_000_000), "sources": [{"kind": "cash"}]}),
        "sending": ("/sendings", {"amount": usd(100), "to": {"link": True}}),
        "declined sending": ("/sendings", {"amount": usd(40_000), "to": {"link": True}}),
        "money request": ("/money-requests", {"amount": usd(100), "from": {"link": True}}),
        "top-up": ("/topups", {"amount": usd(100), "source": "sandbox_ok"}),
        "declined top-up": ("/topups", {"amount": usd(100), "source": "sandbox_declined"}),
        "identity check": ("/identity-checks", {"document_token": "sandbox_review"}),
        "refused closure": ("/wallet/closure", {}),
    }

    def asking(path: str, body: dict[str, Any]) -> Asking:
        return lambda door, key: door.ask("POST", path, body, key)

    return {name: asking(path, body) for name, (path, body) in bodies.items()}


def test_customers_key_names_one_request_whatever_route_it_was_sent_to(app: Flask, merchant_id: UUID) -> None:
    asked = customers_requests(merchant_id)
    for place, first in enumerate(asked):
        door = customer_door(app, sign_up(f"+1202555{place:04d}"))
        give(accounts.of_customer(door.id, "USD"), 10_000)
        for second in asked.keys() - {first}:
            _forget_attempts()
            key = str(ids.new())
            kept = asked[first](door, key)
            assert kept.status_code in (201, 404, 422), (first, kept.json)
            stood = _standing()

            refused = asked[second](door, key)

            assert (refused.status_code, _code(refused)) == (422, "idempotency_key_reused"), (first, second)
            assert _standing() == stood, (first, second)
            again = asked[first](door, key)
            assert (again.status_code, _code(again)) == (kept.status_code, _code(kept)), (first, second)
    _check()


@pytest.mark.parametrize("other", ["sending", "money request", "mixed payment", "top-up", "identity check"])
def test_of_two_routes_under_one_key_at_once_one_is_taken(
    app: Flask, anna: Door, merchant_id: UUID, other: str
) -> None:
    asked = customers_requests(merchant_id)
    for _ in range(6):
        _forget_attempts()
        key, start = str(ids.new()), Barrier(2)

        def race(name: str, key: str = key, start: Barrier = start) -> TestResponse:
            door = customer_door(app, anna.id)
            start.wait(5)
            return asked[name](door, key)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(race, ["payment", other]))

        assert sorted(answer.status_code for answer in answers) == [201, 422]
        assert [_code(answer) for answer in answers if answer.status_code == 422] == ["idempotency_key_reused"]
    _check()


def test_staffs_key_names_one_request_whatever_route_it_was_sent_to(app: Flask, anna: Door) -> None:
    staff = staff_door(app, "transfers.batch", "adjustments.ask", "topups.refund")
    topup_id = anna.ask("POST", "/topups", {"amount": usd(500), "source": "sandbox_ok"}).json["id"]  # type: ignore[index]
    line = {"reference": "a", "kind": "credit_cash", "customer_id": str(anna.id), "amount": usd(1)}
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        "batch": ("/transfers/batch", {"mode": "each", "lines": [line]}),
        "refused batch": (
            "/transfers/batch",
            {"mode": "all_or_nothing", "lines": [{**line, "customer_id": _nobody()}]},
        ),
        "adjustment": (
            "/adjustments",
            {"to": f"customer:{anna.id}:cash", "amount": usd(1), "reason": "goodwill", "reference": "T-1"},
        ),
        "refund": (f"/topups/{topup_id}/refunds", {"amount_minor": 1}),
        "refused refund": (f"/topups/{topup_id}/refunds", {"amount_minor": 100_000}),
    }

    for first, second in itertools.permutations(bodies, 2):
        key = str(ids.new())
        kept = staff.ask("POST", *bodies[first], key)
        assert kept.status_code in (201, 404, 422), (first, kept.json)

        refused = staff.ask("POST", *bodies[second], key)

        assert (refused.status_code, _code(refused)) == (422, "idempotency_key_reused"), (first, second)
        again = staff.ask("POST", *bodies[first], key)
        assert (again.status_code, _code(again)) == (kept.status_code, _code(kept)), (first, second)
    _check()


def test_two_customers_may_use_the_same_key(app: Flask, anna: Door, merchant_id: UUID) -> None:
    ben = customer_door(app, sign_up("+12025550144"))
    give(accounts.of_customer(ben.id, "USD"), 10_000)
    asked = customers_requests(merchant_id)

    answers = [asked["payment"](anna, "k"), asked["sending"](ben, "k"), asked["payment"](ben, "other")]

    assert [answer.status_code for answer in answers] == [201, 201, 201]


def _code(answer: TestResponse) -> str | None:
    return answer.json.get("code") if answer.status_code >= 400 else None  # type: ignore[union-attr]


def _nobody() -> str:
    return str(ids.new())


def _standing() -> list[tuple[Any, ...]]:
    """All that stands on accounts, and is held."""
    with transaction() as session:
        query = "SELECT account_id, shard, posted, held FROM wallet.balance ORDER BY 1, 2"
        return connection_of(session).execute(query).fetchall()


def _forget_attempts() -> None:
    """A customer has one identity check at a time, and five a day; links are counted, too."""
    with transaction() as session:
        connection_of(session).execute("DELETE FROM wallet.identity_check")
        connection_of(session).execute("DELETE FROM auth.limit_counter")


def _check() -> None:
    with transaction() as session:
        assert checks.first_difference(connection_of(session)) is None
