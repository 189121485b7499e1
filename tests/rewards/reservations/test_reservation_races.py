"""Tills that reserve, redeem, take, release and reverse at once, while time runs out: one has it, all adds up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.db import statement
from core.errors import Refusal
from rewards.baskets import Basket
from rewards.checkouts import Checkout
from rewards.redemption import redeeming
from rewards.redemption.redeeming import Request
from tests.rewards.checkouts.deeds import take
from tests.rewards.reservations.conftest import LASTS, NOW, Shop, line
from tests.rewards.rollbacks.conftest import Deeds, deeds
from tests.rewards.rollbacks.test_races import at_once
from wallet.paying.errors import PaymentReversed

__all__ = ["deeds"]

UNTIL = NOW + LASTS


def redeem(shop: Shop, code: str, reference: str) -> object:
    asked = Request(
        till=shop.world.till, reference=code, basket=Basket((line(),)), currency="USD", till_reference=reference
    )
    with statement() as connection:
        return redeeming.redeem(connection, asked, at=NOW)


def used(shop: Shop) -> int:
    return int(shop.world.rows("SELECT coalesce(sum(used), 0) FROM rewards.counter WHERE scope = 'total'")[0][0])


def test_limit_of_one_is_ones_however_it_is_asked_for(shop: Shop) -> None:
    world = shop.world
    coupon = world.voucher(world.campaign(limit_total=1, limit_per_customer=None), None)
    people = [world.customer() for _ in range(4)]
    for number in range(5):
        outcomes = at_once([
            *[lambda who=who: shop.reserve(who, vouchers=(coupon.code,)) for who in people[:2]],
            *[lambda who=who: take(world.checkout(who, vouchers=(coupon.code,))) for who in people[2:]],
            lambda number=number: redeem(shop, coupon.code, f"R-{number}"),
        ])  # fmt: skip

        winners = [each for each in outcomes if not isinstance(each, Refusal)]
        assert len(winners) == used(shop) == 1
        assert {each.code for each in outcomes if isinstance(each, Refusal)} == {"limit_reached"}
        if hasattr(winners[0], "reserved_until"):
            shop.release(winners[0])
            assert used(shop) == 0
        else:
            return


@pytest.mark.parametrize("round_", range(4))
def test_taken_released_expired_or_reversed_and_only_one_of_them(shop: Shop, deeds: Deeds, round_: int) -> None:
    world = shop.world
    campaign, customer = world.campaign(limit_total=1), world.customer()
    coupon, card = world.voucher(campaign, customer), world.voucher(world.gift_campaign(700), customer)
    reserved = shop.reserve(customer, vouchers=(coupon.id, card.id), till_reference="R-1")
    acts: list[Callable[[], Any]] = [
        lambda: shop.take(reserved, at=UNTIL - timedelta(seconds=1)),
        lambda: shop.release(reserved),
        lambda: shop.expire(UNTIL),
        lambda: deeds.reverse("R-1"),
        lambda: take(world.checkout(world.customer(), vouchers=(coupon.code,))),
    ]

    outcomes = at_once(acts[round_:] + acts[:round_])

    taken = [each for each in outcomes if isinstance(each, Checkout)]
    [(state,)] = world.rows("SELECT state FROM rewards.reservation")
    assert state != "open"
    assert (len(taken), used(shop)) == ((1, 1) if state == "taken" else (0, 0))
    assert (world.budget(campaign), world.gift(card)) == ((99_500, 0) if taken else (100_000, 700))
    assert len(world.events("reservation.ended")) == 1


def test_same_reservation_twice_at_once_is_one(shop: Shop) -> None:
    world = shop.world
    customer = world.customer()
    asked = {"vouchers": (world.voucher(world.campaign(), customer).id,), "till_reference": "R-1"}

    first, again = at_once([lambda: shop.reserve(customer, **asked)] * 2)

    assert first == again
    assert world.rows("SELECT count(*) FROM rewards.reservation") == [(1,)]


def test_one_basket_is_taken_of_a_reservation(shop: Shop) -> None:
    world = shop.world
    customer = world.customer()
    reserved = shop.reserve(customer, vouchers=(world.voucher(world.campaign(), customer).id,))

    outcomes = at_once([lambda n=n: shop.take(reserved, reference=f"B-{n}") for n in range(4)])

    assert sorted(getattr(each, "code", "taken") for each in outcomes) == ["reservation_over"] * 3 + ["taken"]
    assert world.cash(customer) == 8_500


@pytest.mark.parametrize("worth", [500, 0])
def test_reservation_that_its_till_reverses_at_once_is_gone(shop: Shop, deeds: Deeds, worth: int) -> None:
    world = shop.world
    discount = {"kind": "amount", "amount_minor": 500} if worth else {"kind": "lines", "needs_covered_line": False}
    customer = world.customer()
    coupon = world.voucher(world.campaign(discount=discount, skus=None if worth else ["tea"]), customer)
    for number in range(4):
        reference = f"R-{number}"
        asked = {"vouchers": (coupon.id,), "till_reference": reference}

        at_once([lambda asked=asked: shop.reserve(customer, **asked), lambda ref=reference: deeds.reverse(ref)])

        assert deeds.reverse(reference).reversal.payment_id is None
        with pytest.raises(PaymentReversed):
            shop.reserve(customer, **asked)
        assert world.rows("SELECT used FROM rewards.voucher") == [(0,)]
