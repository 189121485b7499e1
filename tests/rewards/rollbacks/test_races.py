"""Voids, rollbacks, reversals and redemptions at once: one of them gives back, and nothing is given back twice."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from core.db import connection_of, transaction
from core.errors import Refusal
from rewards import checks
from rewards.rollbacks.lines import Asked
from tests.rewards.conftest import World, line
from tests.rewards.rollbacks.conftest import Deeds


def at_once(deeds: Sequence[Callable[[], object]]) -> list[Any]:
    """What each came to: its answer, or its refusal. Anything else is raised."""
    barrier = Barrier(len(deeds))

    def one(deed: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return deed()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(one, deeds))


def audit(deeds: Deeds) -> None:
    deeds.check()
    with transaction() as session:
        assert checks.first_difference(connection_of(session)) is None


def test_one_of_void_rollback_and_reversal_gives_a_redemption_back(world: World, deeds: Deeds) -> None:
    campaign = world.campaign(limit_total=2, limit_per_customer=None)
    coupon = world.voucher(campaign, None)
    for number in range(6):
        reference = f"R-{number}"
        made = deeds.redeem(coupon.id, reference=reference)

        outcomes = at_once([
            lambda made=made: deeds.void(made.id),
            lambda made=made: deeds.roll_back(made),
            lambda reference=reference: deeds.reverse(reference),
            lambda made=made: deeds.roll_back(made, 200),
            lambda reference=reference: deeds.redeem(coupon.id, reference=reference),
        ])  # fmt: skip
        deeds.reverse(reference)

        assert not isinstance(outcomes[2], Refusal)
        assert (world.budget(campaign), world.payable) == (100_000, 0)
        assert world.rows("SELECT used FROM rewards.counter WHERE scope = 'total'") == [(0,)]
    audit(deeds)


def test_limit_lets_in_as_many_as_it_has_while_others_give_back(world: World, deeds: Deeds) -> None:
    coupon = world.voucher(world.campaign(limit_total=3, limit_per_customer=None), None)
    standing = [deeds.redeem(coupon.id) for _ in range(3)]

    outcomes = at_once([
        *[lambda made=made: deeds.roll_back(made) for made in standing],
        *[lambda: deeds.redeem(coupon.id) for _ in range(5)],
    ])  # fmt: skip

    made = [each for each in outcomes[3:] if not isinstance(each, Refusal)]
    assert world.rows("SELECT used FROM rewards.counter WHERE scope = 'total'") == [(len(made),)]
    assert len(made) <= 3
    audit(deeds)


def test_reversal_and_original_meet_in_either_order(world: World, deeds: Deeds) -> None:
    customer = world.customer(100_000)
    coupon = world.voucher(world.campaign(limit_total=100, limit_per_customer=100), customer)
    for number in range(8):
        take, redeem = f"B-{number}", f"R-{number}"

        outcomes = at_once([
            lambda take=take: deeds.take(customer, vouchers=(coupon.id,), till_reference=take),
            lambda take=take: deeds.reverse(take),
            lambda redeem=redeem: deeds.redeem(coupon.id, reference=redeem),
            lambda redeem=redeem: deeds.reverse(redeem),
        ])  # fmt: skip

        assert not isinstance(outcomes[1], Refusal)
        assert not isinstance(outcomes[3], Refusal)
    assert (world.cash(customer), world.payable) == (100_000, 0)
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)]
    audit(deeds)


def test_basket_of_nothing_and_its_reversal_meet_in_either_order(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    campaign = world.campaign(discount={"kind": "lines", "needs_covered_line": False}, limit_per_customer=100)
    coupon = world.voucher(campaign, customer)
    for number in range(12):
        names = {"vouchers": (coupon.id,), "till_reference": f"B-{number}"}

        outcomes = at_once([
            lambda names=names: deeds.take(customer, line(0), **names),
            lambda number=number: deeds.reverse(f"B-{number}"),
            lambda names=names: deeds.take(customer, line(0), **names),
        ])  # fmt: skip

        assert not isinstance(outcomes[1], Refusal)
        assert world.rows("SELECT used FROM rewards.voucher") == [(0,)]
    audit(deeds)


def test_returns_of_one_basket_at_once_give_each_line_once(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    coupon = world.voucher(world.campaign(), customer)
    taken = deeds.take(customer, line(1_000), line(900, sku="tea"), vouchers=(coupon.id,), till_reference="B-1")

    outcomes = at_once([
        *[lambda: deeds.give_back(taken, [Asked(position=0)])] * 2,
        lambda: deeds.give_back(taken, [Asked(position=1)]),
        lambda: deeds.give_back(taken, [Asked(position=0, amount_minor=400)]),
        lambda: deeds.reverse("B-1"),
        lambda: deeds.give_back(taken),
    ])  # fmt: skip

    assert not all(isinstance(each, Refusal) for each in outcomes)
    assert (world.cash(customer), world.payable) == (10_000, 0)
    assert world.rows("SELECT sum(amount_minor)::int FROM rewards.rollback") == [(1_900,)]
    audit(deeds)


def test_same_return_at_once_is_made_once(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    taken = deeds.take(customer, line(1_000), line(900))

    outcomes = at_once([lambda: deeds.give_back(taken, [Asked(position=0)], key="one")] * 4)

    assert len({each.id for each in outcomes}) == 1
    assert world.payable == 900
