"""Which vouchers a basket takes, and what they take off it."""

from datetime import timedelta

import pytest

from rewards.errors import (
    BasketNotCovered,
    CurrencyMismatch,
    VoucherTwice,
    VoucherUnknown,
)
from rewards.redemption.evidence import BEST
from tests.rewards.checkouts.deeds import give_back, take
from tests.rewards.conftest import NOW, World, line


def test_someone_elses_voucher_is_unknown(world: World) -> None:
    coupon = world.voucher(world.campaign(), world.customer())
    thief = world.customer()

    for reference in (coupon.code, coupon.id):
        with pytest.raises(VoucherUnknown):
            take(world.checkout(thief, vouchers=(reference,)))


def test_voucher_named_twice_is_refused(world: World) -> None:
    customer = world.customer()
    coupon = world.voucher(world.campaign(limit_per_customer=2), customer)

    with pytest.raises(VoucherTwice) as refusal:
        take(world.checkout(customer, vouchers=(coupon.code, coupon.id)))
    assert refusal.value.facts == {"voucher": 1}


def test_voucher_in_another_currency_is_refused(world: World) -> None:
    customer = world.customer()
    coupon = world.voucher(world.campaign(currency="EUR"), customer)

    with pytest.raises(CurrencyMismatch):
        take(world.checkout(customer, vouchers=(coupon.code,)))


def test_line_counts_once_over_all_coupons_of_a_basket(world: World) -> None:
    customer = world.customer()
    by_line = {"discount": {"kind": "lines"}}
    broad = world.voucher(world.campaign(**by_line, skus=["milk", "tea"]), customer)
    narrow = world.voucher(world.campaign(**by_line, skus=["milk", "rice"]), customer)
    lines = [line(1_000, sku=sku, coupon_minor=minor) for sku, minor in (("milk", 100), ("tea", 30), ("rice", 7))]

    taken = take(world.checkout(customer, *lines, vouchers=(broad.id, narrow.id)))

    assert [r.amount_minor for r in taken.redemptions] == [130, 7]


def test_coupons_take_off_no_more_than_the_basket(world: World) -> None:
    customer = world.customer(0)
    by_line = {"discount": {"kind": "lines"}, "currency": "USD"}
    first, second = (world.voucher(world.campaign(**by_line, skus=[sku]), customer) for sku in ("milk", "tea"))
    lines = [line(100, sku="milk", coupon_minor=150), line(100, sku="tea", coupon_minor=90)]

    taken = take(world.checkout(customer, *lines, vouchers=(first.id, second.id)))

    assert [r.amount_minor for r in taken.redemptions] == [150, 50]
    assert taken.paid_minor == 0


def test_price_list_coupon_may_be_used_for_nothing_where_its_campaign_says_so(world: World) -> None:
    customer = world.customer()
    by_line = {"kind": "lines", "needs_covered_line": False}
    lenient = world.voucher(world.campaign(discount=by_line, skus=["tea"]), customer)
    strict = world.voucher(world.campaign(discount={"kind": "lines"}, skus=["tea"]), customer)

    taken = take(world.checkout(customer, vouchers=(lenient.id,)))

    assert [r.amount_minor for r in taken.redemptions] == [0]
    with pytest.raises(BasketNotCovered):
        take(world.checkout(customer, vouchers=(strict.id,)))


def test_best_takes_every_voucher_that_applies_and_leaves_the_others(world: World) -> None:
    customer = world.customer()
    small = world.voucher(world.campaign(discount={"kind": "amount", "amount_minor": 300}), customer)
    large = world.voucher(world.campaign(discount={"kind": "percentage", "bps": 5_000}), customer)
    card = world.voucher(world.gift_campaign(200), customer)
    world.voucher(world.campaign(min_spend_minor=2_001), customer)
    world.voucher(world.campaign(skus=["tea"]), customer)
    world.voucher(world.campaign(voucher_days=1), customer, at=NOW - timedelta(days=1))

    taken = take(world.checkout(customer, line(2_000), vouchers=BEST))

    assert [(r.voucher_id, r.amount_minor) for r in taken.redemptions] == [
        (large.id, 1_000), (small.id, 300), (card.id, 200)
    ]  # fmt: skip
    assert taken.paid_minor == 500


def test_best_takes_a_spent_gift_card_that_a_refund_filled_again(world: World) -> None:
    customer = world.customer()
    card = world.voucher(world.gift_campaign(2_000), customer)
    spent = take(world.checkout(customer, vouchers=(card.id,)))
    give_back(spent, 700)

    taken = take(world.checkout(customer, vouchers=BEST))

    assert (taken.gift_minor, world.gift(card)) == (700, 0)
