"""Printed cards at many tills at once: sold once, and either taken back or spent."""

from rewards.gift_cards import deactivations
from rewards.rollbacks import reversing
from tests.rewards.conftest import World
from tests.rewards.gift_cards.conftest import NOW, Cards, do
from tests.rewards.gift_cards.test_printing import claim, printed, sell, spend, value
from tests.rewards.gift_cards.test_races import together


def test_card_is_sold_once_however_many_tills_try(anna: Cards, world: World) -> None:
    for _ in range(3):
        code, before = printed(world), world.payable

        outcomes = together(*[lambda code=code: sell(world, code)] * 4)  # type: ignore[misc]

        assert sorted(outcomes) == ["done", "gift_card_active", "gift_card_active", "gift_card_active"]
        assert world.payable == before - 2_500


def test_cards_sold_at_once_stay_within_what_a_merchant_may_owe(anna: Cards, world: World) -> None:
    cards = [printed(world) for _ in range(4)]

    outcomes = together(*[lambda code=code: sell(world, code, owes_most_minor=5_000) for code in cards])  # type: ignore[misc]

    assert sorted(outcomes) == ["done", "done", "gift_card_credit_exhausted", "gift_card_credit_exhausted"]
    assert world.payable == -5_000


def test_same_sale_sent_by_twins_is_one(anna: Cards, world: World) -> None:
    for number in range(3):
        code, before = printed(world), world.payable

        twins = [lambda code=code, number=number: sell(world, code, till_reference=f"T{number}")] * 4  # type: ignore[misc]

        assert together(*twins) == ["done"] * 4
        assert world.payable == before - 2_500


def test_sale_meets_its_own_reversal(anna: Cards, world: World) -> None:
    for number in range(5):
        code, name = printed(world), f"R{number}"

        outcomes = together(
            lambda code=code, name=name: sell(world, code, till_reference=name),  # type: ignore[misc]
            lambda name=name: do(reversing.reverse, world.till, name, at=NOW),  # type: ignore[misc]
        )

        assert outcomes in (["done", "done"], ["payment_reversed", "done"])
        assert world.payable == 0


def test_card_is_voided_or_spent_or_claimed(anna: Cards, world: World) -> None:
    for number in range(5):
        code = printed(world)
        made, before = sell(world, code), world.payable

        outcomes = together(
            lambda made=made: do(deactivations.void, made.id, world.till, now=NOW),  # type: ignore[misc]
            lambda code=code, spends=number % 2: spend(world, code, 100) if spends else claim(anna, code),  # type: ignore[misc]
        )

        assert sorted(outcomes) in (["done", "gift_card_moved"], ["done", "voucher_unknown"])
        if outcomes[0] == "done":
            assert (value(world, made), world.payable) == (0, before + 2_500)
        else:
            assert value(world, made) == (2_400 if number % 2 else 2_500)
