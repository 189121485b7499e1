"""Checkouts that come back, whole or by line."""

from decimal import Decimal
from itertools import permutations
from uuid import UUID

import pytest

from core import ids
from core.errors import InvalidInput, NotFound
from core.idempotency import KeyReused
from rewards.checkouts import Checkout
from rewards.rollbacks.errors import RollbackExceedsLine, RolledBackAlready
from rewards.rollbacks.lines import Asked
from tests.rewards.conftest import World, line
from tests.rewards.rollbacks.conftest import Deeds


def basket(world: World, deeds: Deeds) -> tuple[UUID, UUID, Checkout]:
    """Milk for 10.00 and tea for 5.00: a coupon gives 3.00 of the milk, a card 4.00, the wallet the rest."""
    customer = world.customer(10_000)
    campaign = world.campaign(
        discount={"kind": "amount", "amount_minor": 300}, skus=["milk"], limit_total=10, limit_per_customer=1
    )
    coupon = world.voucher(campaign, customer)
    card = world.voucher(world.gift_campaign(400), customer)
    lines = (line(1_000, quantity="3"), line(500, sku="tea"))
    return customer, campaign, deeds.take(customer, *lines, vouchers=(coupon.id, card.id))


def test_whole_basket_leaves_nothing_behind(world: World, deeds: Deeds) -> None:
    customer, campaign, taken = basket(world, deeds)

    made = deeds.give_back(taken)

    assert (made.amount_minor, world.cash(customer), world.budget(campaign), world.payable) == (
        1_500,
        10_000,
        100_000,
        0,
    )
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)] * 2
    assert world.rows("SELECT used FROM rewards.counter WHERE campaign_id = %s", campaign) == [(0,), (0,)]
    assert world.rows("SELECT state, back_minor = amount_minor FROM rewards.redemption") == [("rolled_back", True)] * 2
    assert [event["is_whole"] for event in world.events("checkout.rolled_back")] == [True]
    assert len(world.events("voucher.rolled_back")) == 2
    deeds.check()
    again = deeds.take(customer, line(1_000), vouchers=(taken.redemptions[0].voucher_id,))
    assert again.discount_minor == 300


def test_each_coupons_part_of_a_line_goes_to_its_campaign(world: World, deeds: Deeds) -> None:
    customer, campaign, taken = basket(world, deeds)

    made = deeds.give_back(taken, [Asked(position=1)])  # no coupon on the tea: its 5.00 are the card's and the wallet's

    assert (made.amount_minor, world.budget(campaign), world.payable) == (500, 99_700, 1_000)
    # Of 4.00 and 8.00, 5.00 are 1.67 and 3.33.
    assert world.cash(customer) == 10_000 - 800 + 333
    assert world.rows("SELECT state, used FROM rewards.voucher ORDER BY id") == [("used_up", 1), ("used_up", 1)]

    deeds.give_back(taken, [Asked(position=0, quantity=Decimal(1))])

    assert world.budget(campaign) == 99_700 + 100  # of 3.33 of a line of 10.00, a coupon's 3.00 have 1.00
    assert world.rows("SELECT state FROM rewards.redemption ORDER BY id") == [("partially_rolled_back",)] * 2

    deeds.give_back(taken, [Asked(position=0)])

    assert (world.cash(customer), world.budget(campaign), world.payable) == (10_000, 100_000, 0)
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)] * 2
    deeds.check()


def test_coupon_is_free_again_with_the_last_of_its_lines(world: World, deeds: Deeds) -> None:
    _, campaign, taken = basket(world, deeds)

    made = deeds.give_back(taken, [Asked(position=0)])

    assert made.redemptions[0] == [str(taken.redemptions[0].id), 300, True]
    assert world.rows("SELECT state FROM rewards.redemption ORDER BY id") == [
        ("rolled_back",), ("partially_rolled_back",),
    ]  # fmt: skip
    assert world.rows("SELECT used FROM rewards.counter WHERE campaign_id = %s", campaign) == [(0,), (0,)]


def test_any_order_of_returns_ends_where_the_whole_one_ends(world: World, deeds: Deeds) -> None:
    pieces = [Asked(position=0, quantity=Decimal(1))] * 2 + [Asked(position=0), Asked(position=1, amount_minor=167)]
    customer, _, taken = basket(world, deeds)
    deeds.give_back(taken)
    ends = []
    for order in sorted(set(permutations(range(4))))[::5]:
        customer, campaign, taken = basket(world, deeds)
        for place in order:
            try:
                deeds.give_back(taken, [pieces[place]])
            except RollbackExceedsLine:  # all of the milk was back already
                continue
        deeds.give_back(taken)
        ends.append((world.cash(customer), world.budget(campaign)))

    assert set(ends) == {(10_000, 100_000)}
    assert world.payable == 0
    assert world.rows("SELECT DISTINCT state, used FROM rewards.voucher") == [("active", 0)]
    assert world.rows("SELECT DISTINCT used FROM rewards.counter WHERE scope = 'total' AND cap = 10") == [(0,)]
    assert world.rows("SELECT DISTINCT back_minor = amount_minor FROM rewards.checkout_line_back") == [(True,)]
    deeds.check()


def test_amounts_go_back_to_the_bucket_that_counted_them(world: World, deeds: Deeds) -> None:
    _, campaign, taken = basket(world, deeds)
    counted = '[["total", "uses", "", 1], ["total", "amount", "2026-05-04", 300]]'
    world.rows("UPDATE rewards.redemption SET counted = %s WHERE campaign_id = %s RETURNING 1", counted, campaign)
    world.rows(
        "INSERT INTO rewards.counter (campaign_id, scope, measure, bucket, used, cap)"
        " VALUES (%s, 'total', 'amount', '2026-05-04', 300, 500) RETURNING 1", campaign,
    )  # fmt: skip

    def left() -> list[tuple[object, ...]]:
        return world.rows(
            "SELECT measure, used FROM rewards.counter WHERE campaign_id = %s AND scope = 'total' ORDER BY 1", campaign
        )

    deeds.give_back(taken, [Asked(position=0, amount_minor=500)])
    assert left() == [("amount", 150), ("uses", 1)]

    deeds.give_back(taken, [Asked(position=0)])
    assert left() == [("amount", 0), ("uses", 0)]


def test_same_key_gives_the_same_answer(world: World, deeds: Deeds) -> None:
    _, _, taken = basket(world, deeds)

    first = deeds.give_back(taken, [Asked(position=1)], key="one")
    again = deeds.give_back(taken, [Asked(position=1)], key="one")

    assert first == again
    assert world.payable == 1_000
    with pytest.raises(KeyReused):
        deeds.give_back(taken, [Asked(position=0)], key="one", fingerprint=b"other")


def test_nothing_is_left_after_the_whole(world: World, deeds: Deeds) -> None:
    _, _, taken = basket(world, deeds)
    deeds.give_back(taken)

    for lines in (None, [Asked(position=0)]):
        with pytest.raises(RolledBackAlready):
            deeds.give_back(taken, lines)


def test_line_gives_no_more_than_it_was(world: World, deeds: Deeds) -> None:
    _, _, taken = basket(world, deeds)
    deeds.give_back(taken, [Asked(position=0, amount_minor=400)])
    before = deeds.state()

    for more in (
        Asked(position=0, amount_minor=601),
        Asked(position=0, quantity=Decimal("3.1")),
    ):
        with pytest.raises(RollbackExceedsLine) as refusal:
            deeds.give_back(taken, [Asked(position=1, amount_minor=1), more])
        assert refusal.value.facts == {"position": 0, "left_minor": 600, "left_quantity": "3"}

    assert deeds.state() == before
    assert deeds.give_back(taken, [Asked(position=0, amount_minor=600)]).amount_minor == 600


def test_line_that_the_basket_does_not_have_is_named(world: World, deeds: Deeds) -> None:
    _, _, taken = basket(world, deeds)

    with pytest.raises(InvalidInput) as refusal:
        deeds.give_back(taken, [Asked(position=0), Asked(position=2)])
    assert refusal.value.facts["errors"][0]["pointer"] == "/lines/1/position"


def test_another_merchants_basket_is_not_there(world: World, deeds: Deeds) -> None:
    _, _, taken = basket(world, deeds)

    with pytest.raises(NotFound):
        deeds.give_back(taken, merchant_id=ids.new())


def test_basket_of_nothing_gives_its_vouchers_back_once(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    campaign = world.campaign(discount={"kind": "lines", "needs_covered_line": False}, limit_total=5)
    coupon = world.voucher(campaign, customer)
    taken = deeds.take(customer, line(0), vouchers=(coupon.id,))
    assert taken.transfer_id is None

    made = deeds.give_back(taken, [Asked(position=0)])

    assert (made.amount_minor, made.transfer_id) == (0, None)
    assert world.rows("SELECT used FROM rewards.voucher") == [(0,)]
    assert world.rows("SELECT used FROM rewards.counter WHERE campaign_id = %s", campaign) == [(0,), (0,)]
    with pytest.raises(RolledBackAlready):
        deeds.give_back(taken)


def test_free_bag_is_no_part_of_the_value(world: World, deeds: Deeds) -> None:
    customer = world.customer()
    taken = deeds.take(customer, line(300), line(0, sku="bag"))

    deeds.give_back(taken, [Asked(position=1)])
    with pytest.raises(RollbackExceedsLine):
        deeds.give_back(taken, [Asked(position=1)])
    deeds.give_back(taken, [Asked(position=0)])

    assert world.cash(customer) == 10_000


def test_blocked_voucher_stays_blocked(world: World, deeds: Deeds) -> None:
    _, _, taken = basket(world, deeds)
    world.rows("UPDATE rewards.voucher SET state = 'blocked' RETURNING 1")

    deeds.give_back(taken)

    assert world.rows("SELECT state, used FROM rewards.voucher") == [("blocked", 0)] * 2


def test_what_the_till_collected_itself_it_gives_back_itself(world: World, deeds: Deeds) -> None:
    _, campaign, taken = basket(world, deeds)
    # Of 15.00 the coupon gave 3.00 and the card 4.00; the till has collected 8.00.
    world.rows("UPDATE rewards.checkout SET at_till_minor = 800, paid_minor = 0 RETURNING 1")

    first = deeds.give_back(taken, [Asked(position=0, quantity=Decimal(1))])
    second = deeds.give_back(taken, [Asked(position=1)])

    # 3.33 less the coupon's 1.00 are 2.33, of which two thirds are the till's.
    assert (first.amount_minor, first.at_till_minor) == (333, 155)
    assert second.at_till_minor == 334
    assert deeds.give_back(taken).at_till_minor == 800 - 155 - 334
    assert world.budget(campaign) == 100_000
