"""Printed gift cards over HTTP: asked for by staff, sold by a till, claimed by a customer."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from auth import tokens
from core import clock, ids
from core.web.principals import Principal
from rewards.vouchers import work
from rewards.vouchers.codes import draw
from tests.rewards.gift_cards.conftest import World
from tests.rewards.gift_cards.test_api import code_of, phone
from tests.rewards.test_api import Door

__all__ = ["phone"]

TAKEN = {"amount_minor": 2_500, "currency": "USD"}


@pytest.fixture
def staff(app: Flask) -> Door:
    permissions = frozenset({"campaigns.read", "campaigns.write", "codes.export"})
    return Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=permissions))


@pytest.fixture
def till(app: Flask) -> Door:
    return _till(app)


def _till(app: Flask) -> Door:
    who = Principal("terminal", ids.new(), merchant_id=ids.new(), store_id=ids.new())
    return Door(app, "/merchant/v1", tokens.MERCHANT, who)


def codes(world: World, staff: Door, count: int = 1) -> list[str]:
    now = clock.now()
    campaign_id = world.gift_campaign(
        2_500, budget_minor=0, starts_at=now.replace(year=now.year - 1), ends_at=now.replace(year=now.year + 1)
    )
    made = staff.post(f"/campaigns/{campaign_id}/code-batches", {"count": count, "funding": "till"})
    assert made.status_code == 201 and made.json, made.json
    assert (made.json["funding"], made.json["status"]) == ("till", "waiting")
    while work.work_off(clock.now()):
        pass
    table = staff.get(f"/code-batches/{UUID(made.json['id'])}/codes.csv").get_data(as_text=True)
    rows = [row.split(",") for row in table.strip().splitlines()[1:]]
    assert {row[2] for row in rows} == {"inactive"}
    return [row[0] for row in rows]


def sale(code: str, reference: str = "S-1", **changes: Any) -> dict[str, Any]:
    return {"code": code, "amount": TAKEN, "till_reference": reference} | changes


def test_card_is_sold_by_a_till_and_claimed_by_a_customer(phone: Door, staff: Door, till: Door, world: World) -> None:
    [code] = codes(world, staff)
    assert code_of(phone.post("/claims", {"code": code})) == (404, "voucher_unknown")

    sold = till.post("/gift-card-activations", sale(code), "K")
    assert sold.status_code == 201 and sold.json, sold.json
    assert (sold.json["state"], sold.json["value"], sold.json["last4"]) == ("active", TAKEN, code[-4:])
    assert code not in sold.get_data(as_text=True)
    assert till.post("/gift-card-activations", sale(code), "K").json == sold.json
    assert till.post("/gift-card-activations", sale(code), "L").json == sold.json
    assert till.get("/gift-card-activations/by-reference/S-1").json == sold.json

    claimed = phone.post("/claims", {"code": code})
    assert claimed.json and (claimed.status_code, claimed.json["value"]) == (201, TAKEN)
    late = till.put(f"/gift-card-activations/{sold.json['id']}/void", {})
    assert code_of(late) == (409, "gift_card_moved")


def test_sale_is_taken_back_and_stays_so(staff: Door, till: Door, world: World, app: Flask) -> None:
    one, other = codes(world, staff, 2)
    sold = till.post("/gift-card-activations", sale(one))
    assert sold.json
    for _ in range(2):
        void = till.put(f"/gift-card-activations/{sold.json['id']}/void", {})
        assert void.json and (void.status_code, void.json["state"]) == (200, "voided")
    assert code_of(till.post("/gift-card-activations", sale(one))) == (422, "payment_reversed")
    assert till.post("/gift-card-activations", sale(one, "S-2")).status_code == 201
    back = till.put("/reversals/S-2", {})
    assert back.json and (back.status_code, back.json["amount"]) == (200, TAKEN), back.json

    till.put("/reversals/S-3", {})
    assert code_of(till.post("/gift-card-activations", sale(other, "S-3"))) == (422, "payment_reversed")
    stranger = _till(app)
    assert code_of(stranger.put(f"/gift-card-activations/{sold.json['id']}/void", {})) == (404, "not_found")
    assert code_of(stranger.get("/gift-card-activations/by-reference/S-1")) == (404, "not_found")


def test_sales_that_cannot_be_are_refused_in_words_of_their_own(staff: Door, till: Door, world: World) -> None:
    one, other = codes(world, staff, 2)
    till.post("/gift-card-activations", sale(one))

    assert [
        code_of(till.post("/gift-card-activations", sale(one, "S-2"))),
        code_of(till.post("/gift-card-activations", sale(other))),
        code_of(till.post("/gift-card-activations", sale(other, "S-3", amount={**TAKEN, "amount_minor": 2_400}))),
        code_of(till.post("/gift-card-activations", sale(other, "S-3", amount={**TAKEN, "currency": "EUR"}))),
        code_of(till.post("/gift-card-activations", sale("ABCDEFGHJKMNPQRS", "S-3"))),
        code_of(till.post("/gift-card-activations", {"code": other})),
    ] == [
        (422, "gift_card_active"),
        (409, "till_reference_reused"),
        (422, "gift_card_value_differs"),
        (422, "gift_card_value_differs"),
        (404, "voucher_unknown"),
        (422, "invalid_input"),
    ]


def test_till_that_tries_codes_is_stopped(staff: Door, till: Door, world: World) -> None:
    [code] = codes(world, staff)
    seen = [till.post("/gift-card-activations", sale(draw(), f"G-{number}")).status_code for number in range(31)]

    assert seen == [404] * 30 + [429]
    assert code_of(till.post("/gift-card-activations", sale(code, "S"))) == (429, "code_guesses_exceeded")
