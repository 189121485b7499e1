"""Money to other people, over the limit of a sending."""

from typing import Any

import pytest
from flask import Flask

from tests.wallet.step_up.conftest import Payer, code_of, payer, status_of, usd


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


def test_a_request_by_link_is_approved_by_its_code(app: Flask, ada: Payer) -> None:
    bob = payer(app, "+12025550144", cash=0)
    asked = bob.door.ask("POST", "/money-requests", {"from": {"link": True}, "amount": usd(15_001)})
    assert asked.json is not None
    code = asked.json["link"]["code"]
    approval_id = ada.approved("money_request", None, {"code": code})

    body = {"code": code, "approval_id": approval_id}
    paid = ada.door.ask("POST", f"/money-requests/{asked.json['id']}/payments", body)

    assert paid.status_code == 201, paid.json


def test_codes_of_links_are_not_guessed_by_asking_to_approve_them(ada: Payer) -> None:
    told = [code_of(ada.ask("money_request", None, {"code": f"guess-{number}"})) for number in range(31)]

    assert told == [(404, "link_unknown")] * 30 + [(429, "too_many_links")]


def test_ones_own_money_request_is_nothing_to_approve(ada: Payer) -> None:
    asked = ada.door.ask("POST", "/money-requests", {"from": {"phone": "+12025550199"}, "amount": usd(100)})
    assert asked.json is not None

    answer = ada.ask("money_request", None, {"money_request_id": asked.json["id"]})

    assert code_of(answer) == (404, "not_found")
