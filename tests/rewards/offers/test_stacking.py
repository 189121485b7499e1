"""Coupons that do not go together, at the till."""

from dataclasses import replace

import pytest

from core import ids
from core.db import transaction
from rewards import checkouts
from rewards.checkouts import Checkout, CheckoutRequest
from rewards.errors import VoucherUnknown
from rewards.offers.errors import StackingExcluded
from rewards.redemption.evidence import BEST
from tests.rewards.conftest import NOW, World, line
from wallet.paying.errors import TillReferenceReused


def take(request: CheckoutRequest) -> Checkout:
    with transaction() as session:
        return checkouts.take(session, request, now=NOW)


def off(minor: int) -> dict[str, object]:
    return {"kind": "amount", "amount_minor": minor}


def test_named_coupons_of_one_category_are_refused_by_the_later_ones_place(world: World) -> None:
    customer = world.customer()
    first, second = (world.voucher(world.campaign(category="summer"), customer) for _ in range(2))
    other = world.voucher(world.campaign(category="winter"), customer)
    card = world.voucher(world.gift_campaign(100), customer)

    with pytest.raises(StackingExcluded) as refusal:
        take(world.checkout(customer, vouchers=(other.id, first.id, card.id, second.id)))
    assert refusal.value.facts["voucher"] == 3
    assert world.rows("SELECT sum(used) FROM rewards.voucher") == [(0,)]

    taken = take(world.checkout(customer, vouchers=(other.id, first.id, card.id)))
    assert (taken.discount_minor, taken.gift_minor) == (1_000, 100)


def test_part_of_the_named_vouchers_is_taken_where_that_is_asked_for(world: World) -> None:
    customer = world.customer()
    first, second = (world.voucher(world.campaign(category="summer"), customer) for _ in range(2))
    spend = world.voucher(world.campaign(min_spend_minor=2_001), customer)
    card = world.voucher(world.gift_campaign(100), customer)
    named = (spend.id, first.id, second.id, card.id)
    request = world.checkout(customer, vouchers=named, takes_part=True, till_reference="P-1")

    taken = take(request)

    assert [made.voucher_id for made in taken.redemptions] == [first.id, card.id]
    assert world.rows("SELECT sum(used) FROM rewards.voucher") == [(2,)]
    assert take(request).replayed
    with pytest.raises(TillReferenceReused):
        take(replace(request, takes_part=False))
    with pytest.raises(VoucherUnknown):
        take(world.checkout(customer, vouchers=(ids.new(), second.id), takes_part=True))


def test_exclusive_coupon_goes_with_gift_cards_alone(world: World) -> None:
    customer = world.customer()
    alone = world.voucher(world.campaign(is_exclusive=True, limit_per_customer=2), customer)
    other, card = world.voucher(world.campaign(), customer), world.voucher(world.gift_campaign(100), customer)

    for named in ((alone.id, other.id), (other.id, alone.id)):
        with pytest.raises(StackingExcluded):
            take(world.checkout(customer, vouchers=named))
    assert take(world.checkout(customer, vouchers=(alone.id, card.id))).discount_minor == 500


def test_best_takes_one_of_each_category_or_the_exclusive_one_if_that_is_more(world: World) -> None:
    customer = world.customer()
    small = world.voucher(world.campaign(discount=off(300), category="a"), customer)
    large = world.voucher(world.campaign(discount=off(400), category="a"), customer)
    free = world.voucher(world.campaign(discount=off(150)), customer)
    world.voucher(world.campaign(discount=off(500), is_exclusive=True), customer)

    taken = take(world.checkout(customer, vouchers=BEST))

    assert [(made.voucher_id, made.amount_minor) for made in taken.redemptions] == [(large.id, 400), (free.id, 150)]

    again = take(world.checkout(customer, vouchers=BEST))
    assert [made.amount_minor for made in again.redemptions] == [500]
    assert take(world.checkout(customer, vouchers=BEST)).redemptions[0].voucher_id == small.id


def test_best_takes_no_more_of_a_campaign_than_its_limit_allows(world: World) -> None:
    customer = world.customer()
    campaign = world.campaign(limit_total=1, limit_per_customer=None)
    for _ in range(2):
        world.voucher(campaign, customer)

    taken = take(world.checkout(customer, line(5_000), vouchers=BEST))

    assert [made.amount_minor for made in taken.redemptions] == [500]


def test_best_keeps_a_coupon_that_adds_nothing_for_another_day(world: World) -> None:
    customer = world.customer()
    for minor in (2_000, 300):
        world.voucher(world.campaign(discount=off(minor)), customer)

    taken = take(world.checkout(customer, line(2_000), vouchers=BEST))

    assert [made.amount_minor for made in taken.redemptions] == [2_000]
    assert world.rows("SELECT used FROM rewards.voucher ORDER BY id") == [(1,), (0,)]


def test_pieces_are_counted_at_the_till_and_kept_by_line(world: World) -> None:
    customer = world.customer()
    two_and_one = {"kind": "buy_get", "buy": 2, "get": 1}
    coupon = world.voucher(world.campaign(discount=two_and_one, skus=["milk"]), customer)
    lines = [line(1_000, sku="tea"), line(1_000, quantity="3")]

    taken = take(world.checkout(customer, *lines, vouchers=(coupon.id,)))

    assert taken.discount_minor == 333
    assert world.rows("SELECT lines FROM rewards.redemption") == [([[1, 333]],)]
