"""Gift cards bought and loaded over the limit of a payment."""

from tests.wallet.step_up.conftest import LIMIT, Payer, ada, code_of, rules, status_of, usd

__all__ = ["ada", "rules"]

OVER = LIMIT + 1


def test_a_gift_card_over_the_limit_asks_for_a_passkey(ada: Payer) -> None:
    assert ada.door.ask("POST", "/gift-cards", {"amount": usd(LIMIT)}).status_code == 201
    assert ada.door.code("POST", "/gift-cards", {"amount": usd(OVER)}) == (401, "step_up_required")
    approval_id = ada.approved("gift_card", OVER, {})

    bought = ada.door.ask("POST", "/gift-cards", {"amount": usd(OVER), "approval_id": approval_id})

    assert bought.status_code == 201, bought.json
    assert status_of(ada, approval_id) == "used"
    assert ada.cash() == 500_000 - LIMIT - OVER


def test_a_load_over_the_limit_asks_for_a_passkey(ada: Payer) -> None:
    card = ada.door.ask("POST", "/gift-cards", {"amount": usd(100)}).json
    assert card is not None
    path = f"/gift-cards/{card['id']}/loads"
    assert ada.door.code("POST", path, {"amount": usd(OVER)}) == (401, "step_up_required")

    loaded = ada.door.ask("POST", path, {"amount": usd(OVER), "approval_id": ada.approved("gift_card", OVER, {})})

    assert loaded.status_code == 201, loaded.json


def test_an_approval_of_a_gift_card_pays_no_other_amount(ada: Payer) -> None:
    approval_id = ada.approved("gift_card", OVER, {})

    answer = ada.door.ask("POST", "/gift-cards", {"amount": usd(OVER + 1), "approval_id": approval_id})

    assert code_of(answer) == (422, "approval_mismatch")
    assert status_of(ada, approval_id) == "void"
