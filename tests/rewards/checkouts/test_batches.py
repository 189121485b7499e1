"""Many baskets at once: each is taken or refused by itself."""

import psycopg
import pytest

from rewards.checkouts import Checkout
from rewards.errors import (
    BudgetExhausted,
    VoucherUsedUp,
)
from tests.rewards.checkouts.deeds import take_all
from tests.rewards.conftest import World, line
from wallet.errors import InsufficientFunds


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
