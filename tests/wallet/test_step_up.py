"""Payments over a limit: refused without a fresh proof of the customer's passkey for exactly this payment."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from auth import merchants
from auth.proofs import Owner
from auth.step_up import approvals, binding
from auth.step_up.errors import StepUpRequired
from core import clock, ids
from core.db import connection_of, statement, transaction
from core.prepared import PreparedCall
from tests.auth.authenticator import PRESENT, Authenticator
from tests.auth.passkeys.conftest import added
from tests.wallet.conftest import balance, count, open_cash, open_payable
from tests.wallet.doors import Door, customer_door, sign_up, staff_door
from wallet import accounts, ledger, limits, payments
from wallet.payments import Payment

LIMIT = 25_000  # of a payment, in USD: what the product ships with


@dataclass
class Payer:
    """A customer with $5,000, a passkey and an app."""

    door: Door
    device: Authenticator = field(default_factory=Authenticator)

    def pay(self, amount_minor: int, merchant_id: UUID, key: str = "", **more: Any) -> TestResponse:
        body = {"amount": usd(amount_minor), "merchant_id": str(merchant_id), **more}
        return self.door.ask("POST", "/payments", {name: each for name, each in body.items() if each}, key)

    def ask(self, purpose: str, amount_minor: int | None, payee: dict[str, Any], **more: Any) -> TestResponse:
        amount = None if amount_minor is None else usd(amount_minor)
        return self.door.ask("POST", "/approvals", {"purpose": purpose, "amount": amount, "payee": payee, **more})

    def prove(self, asked: TestResponse, **bent: Any) -> TestResponse:
        assert asked.json is not None
        credential = self.device.get(asked.json["passkey"], **bent)
        return self.door.ask("PUT", f"/approvals/{asked.json['id']}/proof", {"credential": credential})

    def approved(self, purpose: str, amount_minor: int | None, payee: dict[str, Any], **more: Any) -> str:
        asked = self.ask(purpose, amount_minor, payee, **more)
        assert asked.status_code == 201, asked.json
        assert self.prove(asked).status_code == 200
        assert asked.json is not None
        return str(asked.json["id"])

    def cash(self) -> int:
        with statement() as connection:
            return balance(connection, accounts.of_customer(self.door.id, "USD").id)


def usd(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "USD"}


def payer(app: Flask, phone: str = "+12025550143", cash: int = 500_000) -> Payer:
    customer_id = sign_up(phone)
    with statement() as connection:
        open_cash(connection, cash, customer_id=customer_id)
    made = Payer(customer_door(app, customer_id))
    added(Owner(customer_id=customer_id), made.device, now=clock.now())
    return made


@pytest.fixture
def rules(app: Flask) -> None:
    with transaction() as session:
        limits.ensure_defaults(session, now=clock.now())


@pytest.fixture
def ada(app: Flask, rules: None) -> Payer:
    return payer(app)


@pytest.fixture
def shop(app: Flask) -> UUID:
    with transaction() as session:
        merchant_id = merchants.add_merchant(session, name="Corner Shop", now=clock.now()).id
    with statement() as connection:
        open_payable(connection, merchant_id)
    return merchant_id


@pytest.fixture
def later() -> Iterator[Any]:
    """Moves the clock on, for the rest of the test."""
    moved = [timedelta(0)]
    began = clock.now()
    with clock.simulated(lambda: began + moved[0]):
        yield lambda seconds: moved.__setitem__(0, timedelta(seconds=seconds))


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, (answer.json or {}).get("code", "")


def status_of(payer: Payer, approval_id: str) -> str:
    answer = payer.door.ask("GET", f"/approvals/{approval_id}")
    assert answer.json is not None
    return str(answer.json["status"])


def test_a_payment_at_the_limit_asks_for_nothing(ada: Payer, shop: UUID) -> None:
    assert ada.pay(LIMIT, shop).status_code == 201


def test_a_payment_over_the_limit_asks_for_a_passkey(ada: Payer, shop: UUID) -> None:
    answer = ada.pay(LIMIT + 1, shop)

    assert code_of(answer) == (401, "step_up_required")
    assert answer.json is not None
    assert (answer.json["above_minor"], answer.json["currency"]) == (LIMIT, "USD")
    challenge = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="phr"' in challenge
    assert ada.cash() == 500_000


def test_an_approved_payment_is_paid_under_the_name_that_was_signed(ada: Payer, shop: UUID) -> None:
    asked = ada.ask("payment", LIMIT + 1, {"merchant_id": str(shop)})
    assert asked.json is not None
    assert asked.json["payee_name"] == "Corner Shop"
    assert [each["id"] for each in asked.json["passkey"]["allowCredentials"]] != []
    assert ada.prove(asked).status_code == 200

    paid = ada.pay(LIMIT + 1, shop, approval_id=asked.json["id"])

    assert paid.status_code == 201, paid.json
    assert paid.json is not None
    assert paid.json["id"] == asked.json["payment_id"]
    assert paid.json["approval_id"] == asked.json["id"]
    assert paid.json["parts"] == [{"kind": "cash", "amount_minor": LIMIT + 1}]
    assert ada.cash() == 500_000 - LIMIT - 1
    assert status_of(ada, asked.json["id"]) == "used"


def test_the_refusal_is_not_kept_under_the_key(ada: Payer, shop: UUID) -> None:
    assert ada.pay(LIMIT + 1, shop, key="basket 4").status_code == 401
    approval_id = ada.approved("payment", LIMIT + 1, {"merchant_id": str(shop)})

    assert ada.pay(LIMIT + 1, shop, key="basket 4", approval_id=approval_id).status_code == 201


def test_a_retry_gets_the_same_answer_and_uses_nothing_twice(ada: Payer, shop: UUID) -> None:
    approval_id = ada.approved("payment", LIMIT + 1, {"merchant_id": str(shop)})

    first = ada.pay(LIMIT + 1, shop, key="basket 4", approval_id=approval_id)
    again = ada.pay(LIMIT + 1, shop, key="basket 4", approval_id=approval_id)
    other = ada.pay(LIMIT + 1, shop, key="basket 5", approval_id=approval_id)

    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert code_of(other) == (409, "approval_used")
    assert ada.cash() == 500_000 - LIMIT - 1


@pytest.mark.parametrize(
    "change",
    [{"amount": 30_001}, {"amount": 29_999}, {"tip_minor": 1}, {"currency": "EUR"}, {"shop": True}, {"store": True}],
    ids=str,
)
def test_any_change_voids_the_approval(ada: Payer, shop: UUID, change: dict[str, Any]) -> None:
    approval_id = ada.approved("payment", 30_000, {"merchant_id": str(shop)})
    with transaction() as session:
        another = merchants.add_merchant(session, name="Elsewhere", now=clock.now()).id
        store_id = merchants.add_store(session, merchant_id=shop, name="Main St", now=clock.now()).id
    body: dict[str, Any] = {"amount": usd(change.get("amount", 30_000)), "approval_id": approval_id}
    body["amount"]["currency"] = change.get("currency", "USD")
    body |= {"tip_minor": 1} if "tip_minor" in change else {}
    place = (
        {"store_id": str(store_id)}
        if "store" in change
        else {"merchant_id": str(another if "shop" in change else shop)}
    )

    answer = ada.door.ask("POST", "/payments", {**body, **place})

    assert code_of(answer) == (422, "approval_mismatch")
    assert status_of(ada, approval_id) == "void"
    assert code_of(ada.pay(30_000, shop, approval_id=approval_id)) == (422, "approval_mismatch")
    assert ada.cash() == 500_000


def test_the_tip_is_approved_with_it(ada: Payer, shop: UUID) -> None:
    approval_id = ada.approved("payment", 30_000, {"merchant_id": str(shop)}, tip_minor=500)

    assert ada.pay(30_000, shop, tip_minor=500, approval_id=approval_id).status_code == 201
    assert ada.cash() == 500_000 - 30_500


def test_another_customers_approval_is_not_there(app: Flask, ada: Payer, shop: UUID) -> None:
    approval_id = ada.approved("payment", 30_000, {"merchant_id": str(shop)})
    bob = payer(app, "+12025550144")

    assert code_of(bob.pay(30_000, shop, approval_id=approval_id)) == (404, "not_found")
    assert bob.door.code("GET", f"/approvals/{approval_id}") == (404, "not_found")
    assert status_of(ada, approval_id) == "approved"


def test_an_approval_that_nobody_gave_pays_nothing(ada: Payer, shop: UUID) -> None:
    asked = ada.ask("payment", 30_000, {"merchant_id": str(shop)})
    assert asked.json is not None

    assert code_of(ada.pay(30_000, shop, approval_id=asked.json["id"])) == (409, "approval_not_given")
    assert code_of(ada.pay(30_000, shop, approval_id=str(ids.new()))) == (404, "not_found")


@pytest.mark.parametrize(("seconds", "code"), [(119, (201, "")), (120, (422, "approval_lapsed"))])
def test_an_approval_is_good_for_two_minutes(
    ada: Payer, shop: UUID, later: Any, seconds: int, code: tuple[int, str]
) -> None:
    approval_id = ada.approved("payment", 30_000, {"merchant_id": str(shop)})
    later(seconds)

    assert code_of(ada.pay(30_000, shop, approval_id=approval_id)) == code


def test_what_was_refused_for_want_of_money_uses_no_approval_up(app: Flask, rules: None, shop: UUID) -> None:
    poor = payer(app, cash=29_999)
    approval_id = poor.approved("payment", 30_000, {"merchant_id": str(shop)})

    refused = poor.pay(30_000, shop, approval_id=approval_id)
    with statement() as connection:
        open_cash(connection, 1, customer_id=poor.door.id)

    assert code_of(refused) == (422, "insufficient_funds")
    assert status_of(poor, approval_id) == "approved"
    assert poor.pay(30_000, shop, approval_id=approval_id).status_code == 201


def test_an_approval_where_none_is_needed_is_used_up_all_the_same(ada: Payer, shop: UUID) -> None:
    approval_id = ada.approved("payment", 100, {"merchant_id": str(shop)})

    assert ada.pay(100, shop, approval_id=approval_id).status_code == 201
    assert status_of(ada, approval_id) == "used"


def test_a_wrong_proof_is_counted_and_told(ada: Payer, shop: UUID) -> None:
    asked = ada.ask("payment", 30_000, {"merchant_id": str(shop)})

    refused = ada.prove(asked, flags=PRESENT)

    assert code_of(refused) == (422, "passkey_refused")
    assert refused.json is not None
    assert refused.json["tries_left"] == 4


def test_naming_a_source_is_no_way_around(ada: Payer, shop: UUID) -> None:
    body = {"amount": usd(LIMIT + 1), "merchant_id": str(shop), "sources": [{"kind": "cash"}]}
    assert ada.door.code("POST", "/payments", body) == (401, "step_up_required")
    approval_id = ada.approved("payment", LIMIT + 1, {"merchant_id": str(shop)})

    assert ada.door.ask("POST", "/payments", {**body, "approval_id": approval_id}).status_code == 201


def test_a_sending_over_the_limit_asks_for_a_passkey(ada: Payer) -> None:
    to = {"phone": "+12025550199"}
    assert ada.door.ask("POST", "/sendings", {"to": to, "amount": usd(15_000)}).status_code == 201
    assert ada.door.code("POST", "/sendings", {"to": to, "amount": usd(15_001)}) == (401, "step_up_required")
    approval_id = ada.approved("sending", 15_001, to)

    sent = ada.door.ask("POST", "/sendings", {"to": to, "amount": usd(15_001), "approval_id": approval_id})

    assert sent.status_code == 201, sent.json
    assert status_of(ada, approval_id) == "used"


@pytest.mark.parametrize("other", [{"phone": "+12025550198"}, {"link": True}], ids=str)
def test_a_sending_to_somebody_else_voids_the_approval(ada: Payer, other: dict[str, Any]) -> None:
    approval_id = ada.approved("sending", 15_001, {"phone": "+12025550199"})
    body = {"to": other, "amount": usd(15_001), "approval_id": approval_id}

    assert ada.door.code("POST", "/sendings", body) == (422, "approval_mismatch")
    assert status_of(ada, approval_id) == "void"


def test_a_money_request_over_the_limit_asks_for_a_passkey(app: Flask, ada: Payer) -> None:
    bob = payer(app, "+12025550144", cash=0)
    asked = bob.door.ask("POST", "/money-requests", {"from": {"phone": "+12025550143"}, "amount": usd(15_001)})
    assert asked.json is not None
    path = f"/money-requests/{asked.json['id']}/payments"
    assert ada.door.code("POST", path, {}) == (401, "step_up_required")
    wanted = ada.ask("money_request", None, {"money_request_id": asked.json["id"]})
    assert wanted.json is not None
    assert (wanted.json["amount"], wanted.json["payee_name"]) == (usd(15_001), "+1 ••• 0144")
    ada.prove(wanted)

    paid = ada.door.ask("POST", path, {"approval_id": wanted.json["id"]})

    assert paid.status_code == 201, paid.json
    assert ada.cash() == 500_000 - 15_001


def test_ones_own_money_request_is_nothing_to_approve(ada: Payer) -> None:
    asked = ada.door.ask("POST", "/money-requests", {"from": {"phone": "+12025550199"}, "amount": usd(100)})
    assert asked.json is not None

    answer = ada.ask("money_request", None, {"money_request_id": asked.json["id"]})

    assert code_of(answer) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"purpose": "payment"}, "/payee"),
        ({"purpose": "payment", "payee": {"phone": "+12025550199"}}, "/payee"),
        ({"purpose": "payment", "payee": {"merchant_id": str(ids.new()), "store_id": str(ids.new())}}, "/payee"),
        ({"purpose": "sending", "payee": {"code": "x"}}, "/payee"),
        ({"purpose": "sending", "payee": {"link": False}}, "/payee/link"),
        ({"purpose": "gift_card", "payee": {"link": True}}, "/payee"),
        ({"purpose": "loan"}, "/purpose"),
        ({"purpose": "payment", "payee": {"merchant_id": str(ids.new())}, "amount": None}, "/amount"),
        ({"purpose": "sending", "payee": {"link": True}, "tip_minor": 1}, "/tip_minor"),
        ({"purpose": "gift_card", "amount": {"amount_minor": 0, "currency": "USD"}}, "/amount/amount_minor"),
        ({"purpose": "gift_card", "payment_id": str(ids.new())}, "/payment_id"),
        ({"purpose": "gift_card", "status": "approved"}, "/status"),
    ],
    ids=str,
)
def test_what_says_nothing_clear_is_told_where(ada: Payer, body: dict[str, Any], pointer: str) -> None:
    answer = ada.door.ask("POST", "/approvals", {"amount": usd(100), **body})

    assert answer.status_code == 422, answer.json
    assert answer.json is not None
    assert pointer in [each["pointer"] for each in answer.json["errors"]]


def test_a_merchant_that_there_is_not_cannot_be_approved(ada: Payer) -> None:
    for place in ("merchant_id", "store_id"):
        assert code_of(ada.ask("payment", 100, {place: str(ids.new())})) == (404, "merchant_unknown")


def test_finance_sets_from_where_on_customers_approve(app: Flask, ada: Payer, shop: UUID) -> None:
    finance = staff_door(app, "limits.read", "limits.write")
    rule = {"per_transfer_minor": None, "per_day_minor": None, "per_month_minor": None, "count_per_hour": None}

    kept = finance.ask("PUT", "/limits/basic/pay/USD", rule)
    lower = finance.ask("PUT", "/limits/basic/pay/USD", {**rule, "step_up_above_minor": 99})
    assert kept.json is not None
    assert lower.json is not None
    assert (kept.json["step_up_above_minor"], lower.json["step_up_above_minor"]) == (LIMIT, 99)
    assert ada.pay(99, shop).status_code == 201
    assert code_of(ada.pay(100, shop)) == (401, "step_up_required")

    finance.ask("PUT", "/limits/basic/pay/USD", {**rule, "step_up_above_minor": None})
    assert ada.pay(LIMIT + 1, shop).status_code == 201


def test_what_comes_in_is_never_approved(app: Flask, ada: Payer) -> None:
    rule = {"per_transfer_minor": None, "per_day_minor": None, "per_month_minor": None, "count_per_hour": None}

    answer = staff_door(app, "limits.write").ask("PUT", "/limits/basic/load/USD", {**rule, "step_up_above_minor": 1})

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"][0]["pointer"] == "/step_up_above_minor"


def test_a_payment_below_the_limit_is_still_one_statement(
    ada: Payer, shop: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    by_cursor, by_call = psycopg.Cursor.execute, PreparedCall._executed

    def execute(cursor: Any, query: Any, *more: Any, **named: Any) -> Any:
        asked.append(str(query))
        return by_cursor(cursor, query, *more, **named)

    def executed(call: PreparedCall, connection: Any, parameters: Any) -> Any:
        asked.append(call._name.decode())
        return by_call(call, connection, parameters)

    ada.pay(LIMIT, shop)  # what is read once a process is read by now
    monkeypatch.setattr(psycopg.Cursor, "execute", execute)
    monkeypatch.setattr(PreparedCall, "_executed", executed)

    assert ada.pay(LIMIT, shop).status_code == 201
    assert [query for query in asked if "revocation" not in query] == ["wallet_post_one"]


def test_the_ledger_lets_no_more_pass_than_was_approved(app: Flask, ada: Payer, shop: UUID) -> None:
    """Whatever a door does: with an approval of 300 dollars used, 400 do not pass the posting function."""
    approval_id = ada.approved("payment", 30_000, {"merchant_id": str(shop)})
    with statement() as connection:
        before = count(connection, "wallet.entry")

    with pytest.raises(StepUpRequired), transaction() as session:
        approvals.consume(
            session, UUID(approval_id), customer_id=ada.door.id, purpose="payment", amount_minor=30_000,
            currency="USD", payee=binding.merchant(shop), now=clock.now(),
        )  # fmt: skip
        more = Payment(
            principal=f"customer:{ada.door.id}", key="k", fingerprint=b"f", customer_id=ada.door.id,
            merchant_id=shop, amount_minor=40_000, currency="USD", at=clock.now(),
        )  # fmt: skip
        ledger.post(connection_of(session), payments.transfer_of(more))

    with statement() as connection:
        assert count(connection, "wallet.entry") == before
