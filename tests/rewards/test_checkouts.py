"""Checkouts: coupons, gift cards and the payment for the rest, all or nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from core import ids
from core.db import connection_of, statement, transaction
from core.errors import Refusal
from rewards import checkouts
from rewards.baskets import Basket
from rewards.checkouts import Checkout, CheckoutRequest
from rewards.errors import (
    BasketNotCovered,
    BudgetExhausted,
    CurrencyMismatch,
    VoucherTwice,
    VoucherUnknown,
    VoucherUsedUp,
)
from rewards.redemption import redeeming
from rewards.redemption.evidence import BEST
from tests.rewards.conftest import NOW, World, line
from wallet import accounts, answers, checks, ledger, limits, lots, refunds, standing
from wallet.errors import AccountFrozen, InsufficientFunds, LimitExceeded
from wallet.paying import reversals, till_payments
from wallet.paying import tills as paying_tills
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.paying.till_payments import TillPayment
from wallet.transfers import Transfer


def take(request: CheckoutRequest) -> Checkout:
    with transaction() as session:
        return checkouts.take(session, request, now=NOW)


def take_all(*requests: CheckoutRequest) -> list[Checkout | Refusal]:
    with transaction() as session:
        return checkouts.take_all(session, requests, now=NOW)


def give_back(checkout: Checkout, amount_minor: int) -> None:
    assert checkout.transfer_id
    with transaction() as session:
        refunds.refund(
            session, principal="test", key=str(ids.new()), fingerprint=b"", payment_id=checkout.transfer_id,
            merchant_id=checkout.till.merchant_id, amount_minor=amount_minor, at=NOW,
        )  # fmt: skip


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


def test_same_till_reference_is_taken_once(world: World) -> None:
    customer = world.customer(10_000)
    coupon = world.voucher(world.campaign(), customer)
    request = world.checkout(customer, vouchers=(coupon.code,))

    first, again = take(request), take(request)

    assert again == first
    assert (first.replayed, again.replayed) == (False, True)
    assert (world.cash(customer), world.payable) == (8_500, 2_000)


def test_same_till_reference_twice_in_one_batch_is_taken_once(world: World) -> None:
    request = world.checkout(world.customer())

    first, again = take_all(request, request)

    assert first == again
    assert world.payable == 2_000


def test_till_reference_names_one_basket(world: World) -> None:
    customer = world.customer()
    request = world.checkout(customer, till_reference="A-1")
    take(request)

    with pytest.raises(TillReferenceReused):
        take(world.checkout(customer, line(1_999), till_reference="A-1"))


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


def test_one_refused_basket_does_not_refuse_the_others_of_its_batch(world: World, refused) -> None:
    campaign = world.campaign(budget_minor=700)
    first, second, poor = world.customer(), world.customer(), world.customer(100)
    coupons = {each: world.voucher(campaign, each).id for each in (first, second)}

    outcomes = take_all(
        world.checkout(first, vouchers=(coupons[first],)),
        world.checkout(poor),
        world.checkout(second, vouchers=(coupons[second],)),
        world.checkout(second),
    )

    assert isinstance(outcomes[0], Checkout)
    refused(outcomes[1], InsufficientFunds)
    refused(outcomes[2], BudgetExhausted)
    assert isinstance(outcomes[3], Checkout)
    assert (world.budget(campaign), world.payable) == (200, 4_000)
    assert (world.cash(first), world.cash(second), world.cash(poor)) == (8_500, 8_000, 100)


def test_later_baskets_of_a_batch_see_what_earlier_ones_used(world: World, refused) -> None:
    customer = world.customer()
    coupon = world.voucher(world.campaign(limit_per_customer=2), customer)
    card = world.voucher(world.gift_campaign(3_000), customer)

    outcomes = take_all(*[world.checkout(customer, vouchers=(coupon.id, card.id)) for _ in range(3)])

    assert [(o.discount_minor, o.gift_minor) for o in outcomes[:2]] == [(500, 1_500), (500, 1_500)]
    refused(outcomes[2], VoucherUsedUp)
    assert world.rows("SELECT state, used FROM rewards.voucher ORDER BY id") == [("used_up", 2), ("used_up", 2)]


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


def test_first_basket_at_a_merchant_opens_what_it_is_owed(world: World) -> None:
    newcomer = replace(world.till, merchant_id=ids.new())

    take(world.checkout(world.customer(), till=newcomer))

    assert world.balance(f"merchant:{newcomer.merchant_id}", "payable") == 2_000


def test_two_hundred_baskets_take_a_handful_of_statements(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = world.campaign(limit_total=1_000)
    customers = [world.customer() for _ in range(10)]
    coupons = [world.voucher(campaign, customer) for customer in customers]
    firsts = [world.checkout(c, vouchers=(v.id,)) for c, v in zip(customers, coupons, strict=True)]
    others = [world.checkout(customer, line(100)) for _ in range(19) for customer in customers]
    sent: list[object] = []
    execute = psycopg.Cursor.execute
    monkeypatch.setattr(psycopg.Cursor, "execute", lambda *args, **more: sent.append(args[1]) or execute(*args, **more))

    outcomes = take_all(*firsts, *others)

    assert len(sent) < 25, sent
    assert all(isinstance(outcome, Checkout) for outcome in outcomes)
    assert (world.payable, world.budget(campaign)) == (10 * 2_000 + 190 * 100, 100_000 - 10 * 500)


def names_of(world: World) -> paying_tills.Till:
    till = world.till
    return paying_tills.Till(merchant_id=till.merchant_id, store_id=till.store_id, terminal_id=till.terminal_id)


def test_till_takes_a_basket_back_by_its_own_reference(world: World) -> None:
    campaign = world.campaign()
    customer = world.customer()
    coupon, card = world.voucher(campaign, customer), world.voucher(world.gift_campaign(700), customer)
    taken = take(world.checkout(customer, vouchers=(coupon.id, card.id), till_reference="B-1"))

    with transaction() as session:
        reversed_ = reversals.reverse(session, names_of(world), "B-1", at=NOW)

    assert (reversed_.payment_id, reversed_.amount_minor) == (taken.transfer_id, 2_000)
    assert (world.cash(customer), world.gift(card), world.budget(campaign)) == (10_000, 700, 100_000)
    assert world.payable == 0
    with pytest.raises(PaymentReversed):
        take(world.checkout(customer, vouchers=(coupon.id, card.id), till_reference="B-1"))


def test_basket_that_the_till_took_back_before_it_came_is_refused(world: World, refused) -> None:
    customer = world.customer()
    with transaction() as session:
        reversals.reverse(session, names_of(world), "B-1", at=NOW)

    outcomes = take_all(world.checkout(customer, till_reference="B-1"), world.checkout(customer, till_reference="B-2"))

    refused(outcomes[0], PaymentReversed)
    assert isinstance(outcomes[1], Checkout)


def test_reference_of_a_payment_cannot_name_a_basket(world: World) -> None:
    customer = world.customer()
    with transaction() as session:
        till_payments.take(
            session,
            TillPayment(
                till=names_of(world), customer_id=customer, amount_minor=5, currency="USD", till_reference="B-1", at=NOW
            ),
        )

    with pytest.raises(TillReferenceReused):
        take(world.checkout(customer, till_reference="B-1"))
    assert world.payable == 5


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
        reversals.reverse(session, names_of(world), "B-1", at=NOW)
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
