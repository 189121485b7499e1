"""A sandbox: whatever a till can ask works in it, and nothing of it is ever taken for real."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask
from werkzeug.test import TestResponse

from auth import customer_codes, customers, merchants, tokens
from core import clock, ids
from core.db import connection_of, transaction
from core.web.principals import Principal
from rewards.tills.models import Sandbox
from rewards.tills.sandbox import places
from rewards.tills.sandbox.places import Wish
from rewards.tills.sandbox.scenarios import SCENARIOS
from tests.rewards.conftest import NOW, World
from tests.rewards.gift_cards import test_sales_api
from tests.rewards.offline.conftest import Phone
from tests.rewards.test_api import Door
from tests.rewards.tills.conftest import signing_till, world_of
from wallet import accounts
from wallet.errors import SandboxMixed

REFUSED = sorted(name for name, each in SCENARIOS.items() if each.answer not in ("taken", "stacking_excluded"))


def pem_of(key: ed25519.Ed25519PrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@dataclass
class SandboxTill(Door):
    """The till of a sandbox's integrator."""

    sandbox: Sandbox | None = None

    def code(self, name: str = "regular") -> str:
        shown = self.get(f"/sandbox/customers/{name}/code")
        assert shown.status_code == 200, shown.json
        code: str = shown.json["customer_code"]
        return code

    def voucher(self, scenario: str, **more: object) -> dict[str, Any]:
        made = self.post("/sandbox/vouchers", {"scenario": scenario} | more)
        assert made.status_code == 201, made.json
        told: dict[str, Any] = made.json
        return told

    def redeem(self, code: str, amount_minor: int = 2_000, **changes: object) -> TestResponse:
        return self.post("/redemptions", {"code": code, **basket(amount_minor), **changes})

    def checkout(self, *codes: str, customer: str = "regular", **changes: object) -> TestResponse:
        asked = {"customer_code": self.code(customer), "vouchers": list(codes)}
        return self.post("/checkouts", {**asked, **basket(2_000), **changes})


def basket(amount_minor: int) -> dict[str, Any]:
    line = {"sku": "tea", "category": "TEA", "quantity": "1", "amount_minor": amount_minor}
    return {"currency": "XTS", "till_reference": str(ids.new()), "basket": {"lines": [line]}}


def sandbox_till(app: Flask, name: str = "Till Works") -> SandboxTill:
    with transaction() as session:
        wish = Wish(name=name, public_key=pem_of(ed25519.Ed25519PrivateKey.generate()))
        sandbox = places.create(session, wish, actor="staff:test", now=clock.now())
        principal = merchants.principal_of(merchants.till_of(session, sandbox.terminal_id))
    return SandboxTill(app, "/merchant/v1", tokens.MERCHANT, principal, sandbox=sandbox)


@pytest.fixture
def sandbox(app: Flask) -> Iterator[SandboxTill]:
    yield sandbox_till(app)


@pytest.fixture
def real(app: Flask) -> Door:
    return signing_till(app, ed25519.Ed25519PrivateKey.generate())


def test_sandbox_tells_who_is_in_it_and_what_to_ask_for(sandbox: SandboxTill) -> None:
    shown = sandbox.get("/sandbox").json

    assert {each["name"]: each["available"] for each in shown["customers"]} == {
        name: {"amount_minor": amount, "currency": "XTS"}
        for name, amount in {"regular": 50_000, "poor": 0, "frozen": 50_000, "other": 50_000}.items()
    }
    assert [each["name"] for each in shown["scenarios"]] == list(SCENARIOS)


@pytest.mark.parametrize("scenario", REFUSED)
def test_each_scenario_meets_its_refusal_in_a_checkout(sandbox: SandboxTill, scenario: str) -> None:
    given = sandbox.voucher(scenario)

    refused = sandbox.checkout(given["code"])

    status = 404 if given["answer"] == "voucher_unknown" else 422
    assert (refused.status_code, refused.json["code"]) == (status, given["answer"])


@pytest.mark.parametrize("scenario", [name for name in REFUSED if name != "foreign_customer"])
def test_each_scenario_meets_its_refusal_by_itself(sandbox: SandboxTill, scenario: str) -> None:
    given = sandbox.voucher(scenario)

    refused = sandbox.redeem(given["code"])

    status = 404 if given["answer"] == "voucher_unknown" else 422
    assert (refused.status_code, refused.json["code"]) == (status, given["answer"])


@pytest.mark.parametrize("scenario", ["accepted", "held", "gift_card", "exclusive"])
def test_each_scenario_that_is_taken_is_taken(sandbox: SandboxTill, scenario: str) -> None:
    assert sandbox.redeem(sandbox.voucher(scenario)["code"]).status_code == 201
    taken = sandbox.checkout(sandbox.voucher(scenario)["code"])

    assert taken.status_code == 201, taken.json
    assert len(taken.json["redemptions"]) == 1


def test_scenarios_turn_where_they_say(sandbox: SandboxTill) -> None:
    large, scoped, alone, other = (
        sandbox.voucher(name)["code"] for name in ("below_minimum", "not_covered", "exclusive", "foreign_customer")
    )
    only = {"lines": [{"sku": "sandbox-only", "category": "TEA", "quantity": "1", "amount_minor": 100}]}

    assert sandbox.redeem(large, 9_999).json["code"] == "minimum_spend"
    assert sandbox.redeem(large, 10_000).status_code == 201
    assert sandbox.redeem(scoped, basket=only).status_code == 201
    assert sandbox.checkout(alone, sandbox.voucher("accepted")["code"]).json["code"] == "stacking_excluded"
    assert sandbox.redeem(other).status_code == 201
    assert sandbox.checkout(customer="poor").json["code"] == "insufficient_funds"
    assert sandbox.checkout(customer="frozen").json["code"] == "account_frozen"


def test_all_that_a_till_does_works(sandbox: SandboxTill) -> None:
    amount = {"amount_minor": 300, "currency": "XTS"}
    paid = sandbox.post("/payments", {"customer_code": sandbox.code(), "till_reference": "P", "amount": amount})
    held = sandbox.post("/holds", {"customer_code": sandbox.code(), "till_reference": "H", "amount": amount})
    taken = sandbox.checkout(sandbox.voucher("accepted")["code"], till_reference="C")
    redeemed = sandbox.redeem(sandbox.voucher("accepted")["code"], till_reference="R")
    assert [each.status_code for each in (paid, held, taken, redeemed)] == [201] * 4

    done = [
        sandbox.post(f"/payments/{paid.json['id']}/refunds", {"amount_minor": 100}),
        sandbox.post(f"/holds/{held.json['id']}/captures", {"amount_minor": 200, "final": True}),
        sandbox.post(f"/checkouts/{taken.json['id']}/rollbacks", {}),
        sandbox.put(f"/redemptions/{redeemed.json['id']}/void", None),
        sandbox.put("/reversals/P", None),
        sandbox.post("/validations", {"vouchers": [sandbox.voucher("accepted")["code"]], **_asked()}),
        sandbox.post("/qualifications", _asked()),
        sandbox.get("/day-end"),
        sandbox.get("/balance"),
    ]
    assert [each.status_code < 300 for each in done] == [True] * len(done), [each.json for each in done]
    # What was captured, and what the sandbox's own redemption of `limited` took.
    assert done[8].json["items"] == [{"amount_minor": 300, "currency": "XTS"}]


def test_customer_pays_what_they_scan(sandbox: SandboxTill) -> None:
    amount = {"amount_minor": 450, "currency": "XTS"}
    asked = sandbox.post("/payment-requests", {"till_reference": "T", "amount": amount, "tip_allowed": True}).json

    poor = sandbox.post("/sandbox/app-payments", {"code": asked["code"], "customer": "poor"})
    paid = sandbox.post("/sandbox/app-payments", {"code": asked["code"], "tip_minor": 50})
    store = sandbox.get("/store-code").json["code"]
    typed = sandbox.post("/sandbox/app-payments", {"code": store, "amount_minor": 700})

    assert poor.json["code"] == "insufficient_funds"
    assert (paid.status_code, paid.json["amount"]["amount_minor"]) == (201, 500)
    assert sandbox.get(f"/payment-requests/{asked['id']}").json["state"] == "paid"
    assert (typed.status_code, typed.json["amount"]) == (201, {"amount_minor": 700, "currency": "XTS"})


def test_visit_knows_its_sandbox_s_customer(sandbox: SandboxTill, real: Door) -> None:
    visit = sandbox.post("/visits", {"customer_code": sandbox.code()})
    foreign = [
        sandbox.post("/visits", {"customer_code": _code_of(_person())}),
        real.post("/visits", {"customer_code": sandbox.code()}),
    ]
    refused = sandbox.redeem(sandbox.voucher("foreign_customer")["code"], visit_id=visit.json["id"])

    assert visit.status_code == 201
    assert [each.json["code"] for each in foreign] == ["customer_code_refused"] * 2
    assert refused.json["code"] == "voucher_unknown"


def _asked() -> dict[str, Any]:
    return {name: told for name, told in basket(2_000).items() if name != "till_reference"}


def test_codes_can_be_had_as_fast_as_tests_run_and_each_works_once(sandbox: SandboxTill) -> None:
    codes = []
    for number in range(5):
        codes.append(sandbox.code())
        asked = {"customer_code": codes[-1], "till_reference": str(number)}
        paid = sandbox.post("/payments", asked | {"amount": {"amount_minor": 100, "currency": "XTS"}})
        assert paid.status_code == 201, paid.json

    for number, code in enumerate(codes):
        asked = {"customer_code": code, "till_reference": f"again {number}"}
        again = sandbox.post("/payments", asked | {"amount": {"amount_minor": 100, "currency": "XTS"}})
        assert again.json["code"] == "customer_code_refused"


def test_money_comes_from_nowhere_up_to_a_bound_and_is_reset(sandbox: SandboxTill) -> None:
    key = str(ids.new())
    first = sandbox.post("/sandbox/top-ups", {"customer": "poor", "amount_minor": 1_000_000}, key=key)
    again = sandbox.post("/sandbox/top-ups", {"customer": "poor", "amount_minor": 1_000_000}, key=key)
    full = sandbox.post("/sandbox/top-ups", {"customer": "poor", "amount_minor": 1})
    nobody = sandbox.post("/sandbox/top-ups", {"customer": "nobody", "amount_minor": 1})

    assert (first.status_code, first.json) == (201, again.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert full.json["code"] == "sandbox_wallet_full"
    assert nobody.status_code == 404
    shown = sandbox.put("/sandbox/reset", None).json
    assert [each["available"]["amount_minor"] for each in shown["customers"]] == [50_000, 0, 50_000, 50_000]
    assert sandbox.checkout(customer="frozen").json["code"] == "account_frozen"


SANDBOX_ROUTES = [
    ("GET", "/sandbox", None),
    ("GET", "/sandbox/customers/regular/code", None),
    ("POST", "/sandbox/vouchers", {"scenario": "accepted"}),
    ("POST", "/sandbox/top-ups", {"amount_minor": 100}),
    ("POST", "/sandbox/app-payments", {"code": "000201"}),
    ("PUT", "/sandbox/reset", None),
]


@pytest.mark.parametrize(("method", "path", "body"), SANDBOX_ROUTES, ids=[path for _, path, _ in SANDBOX_ROUTES])
def test_real_till_is_refused_what_is_a_sandbox_s(real: Door, method: str, path: str, body: object) -> None:
    refused = {"GET": real.get, "POST": lambda at: real.post(at, body), "PUT": lambda at: real.put(at, body)}[method](
        path
    )

    assert (refused.status_code, refused.json["code"]) == (403, "sandbox_only")


def test_neither_till_takes_the_other_s_money(sandbox: SandboxTill, real: Door) -> None:
    world = world_of(real)
    mine = {"customer_code": sandbox.code(), "till_reference": "1"}
    theirs = {"customer_code": _code_of(_person()), "till_reference": "1"}
    line = {"sku": "tea", "category": "TEA", "quantity": "1", "amount_minor": 0}
    free = {"basket": {"lines": [line]}}

    for till, own, currency in ((sandbox, mine, "USD"), (real, theirs, "XTS")):
        amount = {"amount": {"amount_minor": 100, "currency": currency}}
        asked = [
            till.post("/payments", own | amount),
            till.post("/holds", own | amount),
            till.post("/payment-requests", {"till_reference": "2"} | amount),
            till.post("/checkouts", own | free | {"currency": currency}),
            till.post("/redemptions", free | {"code": "SPRING10", "till_reference": "3", "currency": currency}),
            till.post("/qualifications", free | {"currency": currency}),
            till.post("/validations", free | {"vouchers": ["SPRING10"], "currency": currency}),
        ]
        assert [each.json["code"] for each in asked] == ["sandbox_mixed"] * len(asked)
    assert world.rows("SELECT FROM rewards.checkout") == []


def test_neither_till_knows_the_other_s_customers(sandbox: SandboxTill, real: Door) -> None:
    person, line = _person(), {"sku": "tea", "category": "TEA", "quantity": "1", "amount_minor": 0}
    free = {"till_reference": "1", "basket": {"lines": [line]}}

    of_real = sandbox.post("/checkouts", free | {"customer_code": _code_of(person), "currency": "XTS"})
    of_sandbox = real.post("/checkouts", free | {"customer_code": sandbox.code(), "currency": "USD"})

    assert of_real.json["code"] == of_sandbox.json["code"] == "customer_code_refused"
    assert sandbox.checkout().status_code == 201


def test_neither_till_knows_the_other_s_vouchers(sandbox: SandboxTill, real: Door) -> None:
    world = world_of(real)
    theirs = world.voucher(world.campaign(ends_at=NOW + timedelta(days=36_500)), None).code
    mine = sandbox.voucher("accepted")["code"]
    asked = basket(2_000)

    of_real = sandbox.redeem(theirs)
    of_sandbox = real.post("/redemptions", asked | {"code": mine, "currency": "USD"})

    assert of_real.json["code"] == of_sandbox.json["code"] == "voucher_unknown"
    assert sandbox.checkout(theirs).json["code"] == "voucher_unknown"
    validated = sandbox.post("/validations", {"vouchers": [theirs], **_asked()}).json
    assert validated["refusal"]["code"] == "voucher_unknown"
    assert sandbox.redeem(mine).status_code == 201
    assert real.post("/redemptions", asked | {"code": theirs, "currency": "USD"}).status_code == 201


def test_real_gift_card_that_waits_to_be_sold_is_unknown_in_a_sandbox(sandbox: SandboxTill, app: Flask) -> None:
    staff = Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=_STAFF))
    [card] = test_sales_api.codes(world_of(sandbox), staff)
    amount = {"amount_minor": 2_500, "currency": "XTS"}

    refused = sandbox.post("/gift-card-activations", {"code": card, "amount": amount, "till_reference": "1"})

    assert (refused.status_code, refused.json["code"]) == (404, "voucher_unknown")


_STAFF = frozenset({"campaigns.read", "campaigns.write", "codes.export"})


def test_what_either_side_shows_is_paid_by_nobody_of_the_other(sandbox: SandboxTill, real: Door, app: Flask) -> None:
    world, person = world_of(real), Door(app, "/app/v1", tokens.APP, Principal("customer", _person()))
    usd, xts = ({"amount_minor": 100, "currency": currency} for currency in ("USD", "XTS"))
    theirs = {"code": real.post("/payment-requests", {"till_reference": "1", "amount": usd}).json["code"]}
    mine = {"code": sandbox.post("/payment-requests", {"till_reference": "1", "amount": xts}).json["code"]}
    stores = [{"code": till.get("/store-code").json["code"]} for till in (real, sandbox)]

    answers = [
        sandbox.post("/sandbox/app-payments", theirs),
        sandbox.post("/sandbox/app-payments", stores[0] | {"amount_minor": 100}),
        person.post("/payments", mine),
        person.post("/payments", stores[1] | {"amount": xts}),
        person.post("/payments", stores[1] | {"amount": usd}),
    ]

    assert [each.status_code for each in answers] == [422] * 5, [each.json for each in answers]
    assert world.payable == 0
    assert sandbox.get("/balance").json["items"][0]["amount_minor"] == 100


def test_real_offline_token_is_worth_nothing_in_a_sandbox(sandbox: SandboxTill, real: Door) -> None:
    world, now = world_of(real), clock.now()
    phone = Phone(world, _person())
    phone.register(now=now)
    voucher = world.voucher(world.campaign(ends_at=NOW + timedelta(days=36_500)), phone.customer_id)
    told = {
        "till_reference": "1",
        "scanned": phone.show(phone.fetch(voucher.id, now=now), now),
        "accepted_at": now.isoformat(),
        "basket": basket(2_000)["basket"],
        "amount_minor": 500,
    }

    mixed = sandbox.post("/offline-redemptions", {"records": [told | {"currency": "USD"}]})
    [inside] = sandbox.post("/offline-redemptions", {"records": [told | {"currency": "XTS"}]}).json["results"]
    [outside] = real.post("/offline-redemptions", {"records": [told | {"currency": "USD"}]}).json["results"]

    assert mixed.json["code"] == "sandbox_mixed"
    refused = inside["redemption"]
    assert (refused["code"], refused["borne_by"]) == ("offline_terms_not_met", "merchant")
    assert refused["paid"] == {"amount_minor": 0, "currency": "XTS"}
    assert (outside["redemption"]["state"], world.payable) == ("succeeded", 500)
    assert sandbox.get("/offline-keys").json["keys"] == real.get("/offline-keys").json["keys"]


def test_sandbox_s_vouchers_work_in_no_other_sandbox(sandbox: SandboxTill, app: Flask) -> None:
    code = sandbox.voucher("accepted")["code"]

    assert sandbox_till(app, "Another").redeem(code).json["code"] == "conditions_not_met"
    assert sandbox.redeem(code).status_code == 201


def test_customers_meet_nothing_of_a_sandbox(sandbox: SandboxTill, app: Flask) -> None:
    person = _person()
    door = Door(app, "/app/v1", tokens.APP, Principal("customer", person))

    claimed = door.post("/claims", {"code": sandbox.voucher("accepted")["code"]})
    offered = door.post("/qualifications", _asked())
    bought = door.post("/gift-cards", {"amount": {"amount_minor": 100, "currency": "XTS"}})

    assert claimed.json["code"] == "voucher_unknown"
    assert offered.json["code"] == "sandbox_mixed"
    assert bought.json["code"] == "currency_unknown"


def test_no_person_is_given_a_sandbox_s_voucher_and_nobody_there_a_real_one(sandbox: SandboxTill) -> None:
    world = world_of(sandbox)
    assert sandbox.sandbox is not None
    inside = UUID(sandbox.sandbox.customers["regular"])

    with pytest.raises(SandboxMixed):
        world.voucher(UUID(sandbox.sandbox.campaigns["tenth"]), _person(), at=clock.now())
    with pytest.raises(SandboxMixed):
        world.voucher(world.campaign(ends_at=NOW + timedelta(days=36_500)), inside)


@pytest.mark.parametrize("owner", ["customer", "merchant"])
@pytest.mark.parametrize(("is_sandbox", "asset"), [(True, "USD"), (True, "PTS"), (False, "XTS")])
def test_the_ledger_itself_keeps_them_apart(database: None, owner: str, is_sandbox: bool, asset: str) -> None:
    owner_id = ids.new_sandbox() if is_sandbox else ids.new()

    with pytest.raises(SandboxMixed), transaction() as session:
        accounts.open_all(session, [accounts.Opening(f"{owner}:{owner_id}", "cash", asset, 0)])


def test_sandbox_that_asks_too_much_waits(sandbox: SandboxTill, monkeypatch: pytest.MonkeyPatch) -> None:
    from auth import sandboxes

    limit = sandboxes.Limit("sandbox.test", most=2, window=timedelta(days=1))
    monkeypatch.setattr(sandboxes, "_LIMITS", (limit,))

    answers = [sandbox.get("/sandbox") for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[2].json["code"] == "sandbox_busy"
    assert int(answers[2].headers["Retry-After"]) > 0


def test_there_are_so_many_sandboxes_and_no_more(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST", 1)
    sandbox_till(app)

    with pytest.raises(places.SandboxesFull):
        sandbox_till(app)


def _person() -> UUID:
    with transaction() as session:
        phone = f"+4477009{ids.new().int % 100_000:05}"
        return customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=clock.now()).id


def _code_of(customer_id: UUID) -> str:
    with transaction() as session:
        return customer_codes.current(session, customer_id, now=clock.now())


def _count(world: World, table: str) -> int:
    with transaction() as session:
        row = connection_of(session).execute(f"SELECT count(*) FROM {table}").fetchone()
    assert row is not None
    count: int = row[0]
    return count
