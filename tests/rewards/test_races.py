"""Many tills at once: limits, budgets and gift cards come out exact, whoever wins."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from core import ids
from core.db import statement, transaction
from core.errors import Busy, Refusal
from rewards import checkouts
from rewards.baskets import Basket
from rewards.redemption import redeeming
from rewards.redemption.redeeming import Request
from tests.rewards.conftest import NOW, World, line


def outcomes_of(act: Callable[[int], object], times: int, *, threads: int = 10) -> Counter[str]:
    """How often each outcome came; what was only too busy is asked again, as a till would."""
    together = Barrier(threads)

    def one(number: int) -> str:
        if number < threads:
            together.wait(10)
        while True:
            try:
                act(number)
            except Busy:
                continue
            except Refusal as refusal:
                return refusal.code
            return "taken"

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(one, range(times)))


def redeem(world: World, code: str, till_reference: str | None = None) -> None:
    request = Request(
        till=world.till,
        reference=code,
        basket=Basket((line(),)),
        currency="USD",
        till_reference=till_reference or str(ids.new()),
    )
    with statement() as connection:
        redeeming.redeem(connection, request, at=NOW)


def test_limit_of_ten_lets_exactly_ten_of_fifty_through(world: World) -> None:
    campaign = world.campaign(limit_total=10)
    generic = world.voucher(campaign, None)

    outcomes = outcomes_of(lambda _: redeem(world, generic.code), 50)

    assert outcomes == {"taken": 10, "limit_reached": 40}
    assert (world.budget(campaign), world.payable) == (95_000, 5_000)
    assert world.rows("SELECT used FROM rewards.counter") == [(10,)]
    assert world.rows("SELECT count(*) FROM rewards.redemption") == [(10,)]


def test_budget_for_ten_pays_exactly_ten_of_thirty(world: World) -> None:
    campaign = world.campaign(budget_minor=5_499)
    generic = world.voucher(campaign, None)

    outcomes = outcomes_of(lambda _: redeem(world, generic.code), 30)

    assert outcomes == {"taken": 10, "budget_exhausted": 20}
    assert (world.budget(campaign), world.payable) == (499, 5_000)


def test_gift_card_shown_at_many_tills_is_spent_once(world: World) -> None:
    card = world.voucher(world.gift_campaign(3_000), None)

    outcomes = outcomes_of(lambda _: redeem(world, card.code), 10)

    assert outcomes == {"taken": 2, "voucher_used_up": 8}
    assert (world.gift(card), world.payable) == (0, 3_000)


def test_single_use_coupon_in_many_checkouts_is_used_once(world: World) -> None:
    campaign, customer = world.campaign(), world.customer(20_000)
    coupon = world.voucher(campaign, customer)

    def take(_: int) -> None:
        with transaction() as session:
            checkouts.take(session, world.checkout(customer, line(1_000), vouchers=(coupon.id,)), now=NOW)

    assert outcomes_of(take, 10) == {"taken": 1, "voucher_used_up": 9}
    assert (world.cash(customer), world.budget(campaign)) == (19_500, 99_500)


@pytest.mark.parametrize("with_coupon", [True, False])
def test_one_basket_sent_ten_times_at_once_is_taken_once(world: World, with_coupon: bool) -> None:
    customer = world.customer()
    coupon = world.voucher(world.campaign(), customer)
    request = world.checkout(customer, vouchers=(coupon.id,) if with_coupon else ())

    def take(_: int) -> None:
        with transaction() as session:
            checkouts.take(session, request, now=NOW)

    assert outcomes_of(take, 10) == {"taken": 10}
    assert world.payable == 2_000
    assert world.rows("SELECT count(*) FROM rewards.checkout") == [(1,)]


def test_one_redemption_sent_ten_times_at_once_is_made_once(world: World) -> None:
    campaign = world.campaign()
    generic = world.voucher(campaign, None)

    assert outcomes_of(lambda _: redeem(world, generic.code, "C-1"), 10) == {"taken": 10}
    assert (world.budget(campaign), world.payable) == (99_500, 500)


def test_batches_over_the_same_vouchers_in_opposite_order_end_exact(world: World) -> None:
    campaign = world.campaign(limit_total=6, limit_per_customer=2)
    customers = [world.customer() for _ in range(8)]
    coupons = [world.voucher(campaign, customer) for customer in customers]
    pairs = list(zip(customers, coupons, strict=True))

    def take(number: int) -> None:
        ordered = pairs if number % 2 else pairs[::-1]
        requests = [world.checkout(customer, vouchers=(coupon.id,)) for customer, coupon in ordered]
        with transaction() as session:
            checkouts.take_all(session, requests, now=NOW)

    assert outcomes_of(take, 8, threads=8) == {"taken": 8}
    assert world.rows("SELECT used FROM rewards.counter WHERE scope = 'total'") == [(6,)]
    assert (world.budget(campaign), world.payable) == (97_000, 12_000)
