"""What pays a basket: coupons, gift cards and the wallet, all or nothing."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core import ids
from core.db import connection_of, statement, transaction
from rewards.baskets import Basket
from rewards.checkouts import Checkout
from rewards.errors import (
    VoucherUsedUp,
)
from rewards.redemption import redeeming
from rewards.redemption.evidence import BEST
from tests.rewards.checkouts.deeds import take, take_all
from tests.rewards.conftest import NOW, World, line
from wallet import accounts, answers, checks, ledger, limits, lots, standing
from wallet.errors import AccountFrozen, InsufficientFunds, LimitExceeded
from wallet.paying import reversals
from wallet.transfers import Transfer


def test_coupon_and_cash_pay_one_basket_in_one_transfer(world: World) -> None:
    campaign, customer = world.campaign(), world.customer(10_000)
    coupon = world.voucher(campaign, customer)

    taken = take(world.checkout(customer, line(2_000), vouchers=(coupon.code,)))

    assert (taken.total_minor, taken.discount_minor, taken.gift_minor, taken.paid_minor) == (2_000, 500, 0, 1_500)
    assert (world.cash(customer), world.budget(campaign), world.payable) == (8_500, 99_500, 2_000)
    assert world.rows("SELECT count(*) FROM wallet.transfer WHERE kind = 'payment'") == [(1,)]
    [order] = world.events("order.completed")
    assert (order["order_id"], order["paid_minor"]) == (str(taken.id), 1_500)
    assert order["lines"] == [
        {"sku": "milk", "category": "DAIRY", "quantity": "1", "unit": None, "amount_minor": 2_000}
    ]
    [redeemed] = world.events("voucher.redeemed")
    assert (redeemed["voucher_id"], redeemed["amount_minor"]) == (str(coupon.id), 500)
    assert len(world.events("payment.completed")) == 1


def test_gift_card_pays_after_coupons_and_keeps_its_rest(world: World) -> None:
    coupons, gifts, customer = world.campaign(), world.gift_campaign(2_000), world.customer(0)
    card, coupon = world.voucher(gifts, customer), world.voucher(coupons, customer)

    taken = take(world.checkout(customer, line(2_000), vouchers=(card.id, coupon.id)))

    assert (taken.discount_minor, taken.gift_minor, taken.paid_minor) == (500, 1_500, 0)
    assert (world.gift(card), world.payable) == (500, 2_000)
    assert [r.voucher_id for r in taken.redemptions] == [coupon.id, card.id]


def test_gift_card_spent_to_nothing_is_used_up(world: World) -> None:
    customer = world.customer(10_000)
    card = world.voucher(world.gift_campaign(2_000), customer)

    assert take(world.checkout(customer, line(2_500), vouchers=(card.id,))).paid_minor == 500
    with pytest.raises(VoucherUsedUp):
        take(world.checkout(customer, vouchers=(card.id,)))
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("used_up", 1)]


def test_declined_payment_leaves_no_redemption(world: World) -> None:
    campaign, customer = world.campaign(limit_total=10), world.customer(1_499)
    coupon = world.voucher(campaign, customer)

    with pytest.raises(InsufficientFunds):
        take(world.checkout(customer, line(2_000), vouchers=(coupon.code,)))

    assert (world.cash(customer), world.budget(campaign), world.payable) == (1_499, 100_000, 0)
    assert world.rows("SELECT used FROM rewards.voucher") == [(0,)]
    assert world.rows("SELECT sum(used) FROM rewards.counter") == [(0,)]
    assert world.rows("SELECT FROM rewards.redemption UNION ALL SELECT FROM rewards.checkout") == []
    assert world.events("order.completed") == world.events("voucher.redeemed") == []


def test_wallet_that_holds_exactly_the_rest_pays(world: World) -> None:
    customer = world.customer(1_500)
    coupon = world.voucher(world.campaign(), customer)

    take(world.checkout(customer, line(2_000), vouchers=(coupon.code,)))

    assert world.cash(customer) == 0


def test_customer_without_a_wallet_cannot_pay(world: World, refused) -> None:
    stranger = world.checkout(world.till.store_id)
    paying = world.checkout(world.customer())

    outcomes = take_all(stranger, paying)

    refused(outcomes[0], InsufficientFunds)
    assert isinstance(outcomes[1], Checkout)


def test_basket_of_nothing_announces_only_the_order(world: World) -> None:
    taken = take(world.checkout(world.customer(0), line(0)))

    assert (taken.total_minor, taken.transfer_id) == (0, None)
    assert len(world.events("order.completed")) == 1
    assert world.events("payment.completed") == []


def test_first_basket_at_a_merchant_opens_what_it_is_owed(world: World) -> None:
    newcomer = replace(world.till, merchant_id=ids.new())

    take(world.checkout(world.customer(), till=newcomer))

    assert world.balance(f"merchant:{newcomer.merchant_id}", "payable") == 2_000


def give(world: World, account: accounts.Opening, amount: int) -> None:
    brand, made = accounts.of_brand("loyalty", account.asset), ids.new()
    leg, move = lots.give(account, amount, source="promotion", expires_at=None)
    with transaction() as session:
        accounts.open_all(session, [account, brand])
        ledger.post(
            connection_of(session),
            Transfer(
                id=made, principal="test", key=str(made), fingerprint=b"", kind="promotion",
                legs=[brand.leg(-amount), leg], lots=[move], effective_at=NOW,
            ),
        )  # fmt: skip


@pytest.fixture
def priced_points() -> Iterator[None]:
    """A hundred points pay a dollar."""
    answers.register(answers.Answers(points_rate=(100, 100)))
    yield
    answers.register(answers.Answers())


@pytest.mark.usefixtures("priced_points")
def test_wallet_pays_what_the_vouchers_leave_out_of_every_source(world: World) -> None:
    customer = world.customer(10_000)
    coupon, card = world.voucher(world.campaign(), customer), world.voucher(world.gift_campaign(700), customer)
    give(world, accounts.promotional(customer, "USD"), 300)
    give(world, accounts.points(customer), 200)
    kinds = ("promotional", "points", "cash")

    taken = take(world.checkout(customer, vouchers=(coupon.id, card.id), kinds=kinds, till_reference="B-1"))

    assert (taken.discount_minor, taken.gift_minor, taken.paid_minor) == (500, 700, 800)
    parts = world.rows("SELECT details -> 'parts' FROM wallet.transfer WHERE id = %s", taken.transfer_id)[0][0]
    assert [(part["kind"], part["amount_minor"]) for part in parts] == [
        ("coupon", 500), ("gift_card", 700), ("promotional", 300), ("points", 200), ("cash", 300),
    ]  # fmt: skip
    assert (world.cash(customer), world.payable) == (9_700, 2_000)
    with transaction() as session:
        reversals.reverse(session, world.till, "B-1", at=NOW)
        assert checks.first_difference(connection_of(session)) is None
    assert world.balance(f"customer:{customer}", "promotional") == 300
    assert (world.cash(customer), world.gift(card), world.payable) == (10_000, 700, 0)


def test_wallet_covers_the_rest_to_the_cent_or_the_basket_is_refused(world: World) -> None:
    customer = world.customer(1_000)
    give(world, accounts.promotional(customer, "USD"), 1_000)
    kinds = ("promotional", "cash")

    with pytest.raises(InsufficientFunds):
        take(world.checkout(customer, line(2_001), kinds=kinds))
    with pytest.raises(InsufficientFunds):
        take(world.checkout(customer, line(1_001), kinds=("promotional",)))
    take(world.checkout(customer, line(2_000), kinds=kinds))

    assert (world.cash(customer), world.payable) == (0, 2_000)


def test_till_is_not_told_what_its_customer_has_left_of_a_limit(world: World) -> None:
    customer = world.customer(1_000)
    with transaction() as session:
        limits.set_rule(session, tier="basic", scope="pay", asset="USD", measures={"per_day": 500}, now=NOW)

    with pytest.raises(LimitExceeded) as refused:
        take(world.checkout(customer, line(501)))

    assert refused.value.facts == {}
    take(world.checkout(customer, line(500)))


def test_gift_card_of_a_frozen_wallet_pays_nothing(world: World) -> None:
    customer = world.customer(1_000)
    card = world.voucher(world.gift_campaign(), customer)
    with transaction() as session:
        standing.freeze(session, f"customer:{customer}")

    for vouchers in ((card.id,), (card.code,), BEST):
        with pytest.raises(AccountFrozen):
            take(world.checkout(customer, line(700), vouchers=vouchers))
    with pytest.raises(AccountFrozen), statement() as connection:
        shown = redeeming.Request(
            till=world.till, reference=card.code, basket=Basket((line(700),)), currency="USD", till_reference="R-1"
        )
        redeeming.redeem(connection, shown, at=NOW)
    assert world.gift(card) == 2_000

    with transaction() as session:
        standing.unfreeze(session, f"customer:{customer}")
    take(world.checkout(customer, line(700), vouchers=(card.id,)))
    assert (world.gift(card), world.cash(customer)) == (1_300, 1_000)
