"""Baskets whose rest the till collects itself: vouchers move their value, the cash or card is the till's own."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.db import connection_of, transaction
from core.errors import Refusal
from rewards import checks as rewards_checks
from rewards.checkouts import Checkout
from rewards.rollbacks.errors import RolledBackAlready
from rewards.rollbacks.lines import Asked
from rewards.rollbacks.refunded import open_all
from rewards.tills import day_ends
from tests.rewards.checkouts.deeds import give_back, take, take_all
from tests.rewards.conftest import NOW, World, line
from tests.rewards.rollbacks.conftest import Deeds, deeds
from wallet import checks, standing
from wallet.errors import AccountFrozen, InsufficientFunds
from wallet.paying.errors import PaymentReversed, TillReferenceReused

__all__ = ["deeds"]


@pytest.fixture(autouse=True)
def adds_up(world: World) -> object:
    """Both audits, after whatever a test did."""
    yield
    with transaction() as session:
        connection = connection_of(session)
        assert rewards_checks.first_difference(connection) is None
        assert checks.first_difference(connection) is None


def basket(world: World, *, cash_minor: int = 0, **changes: object) -> Checkout:
    """Of 20.00 a coupon gives 5.00 and a card 7.00; the till collects 8.00."""
    customer = world.customer(cash_minor)
    vouchers = (world.voucher(world.campaign(), customer).id, world.voucher(world.gift_campaign(700), customer).id)
    lines = [line(1_500, quantity="3"), line(500, sku="tea")]
    return take(world.checkout(customer, *lines, **({"vouchers": vouchers, "rest": "till"} | changes)))


def test_vouchers_pay_their_part_and_the_till_is_told_the_rest(world: World) -> None:
    taken = basket(world)

    assert (taken.discount_minor, taken.gift_minor, taken.paid_minor, taken.at_till_minor) == (500, 700, 0, 800)
    assert world.payable == 1_200
    [order] = world.events("order.completed")
    assert (order["total_minor"], order["paid_minor"], order["at_till_minor"]) == (2_000, 0, 800)
    [payment] = world.events("payment.completed")
    assert payment["amount_minor"] == 1_200


def test_wallet_is_left_alone_whatever_is_in_it(world: World) -> None:
    taken = basket(world, cash_minor=10_000)

    assert world.cash(taken.customer_id) == 10_000


def test_vouchers_that_cover_all_leave_nothing_to_collect(world: World) -> None:
    customer = world.customer(0)
    card = world.voucher(world.gift_campaign(2_000), customer)

    taken = take(world.checkout(customer, vouchers=(card.id,), rest="till"))

    assert (taken.gift_minor, taken.at_till_minor, world.payable) == (2_000, 0, 2_000)


def test_basket_without_vouchers_moves_nothing(world: World) -> None:
    taken = take(world.checkout(world.customer(0), rest="till"))

    assert (taken.at_till_minor, taken.transfer_id, world.payable) == (2_000, None, 0)
    assert len(world.events("order.completed")) == 1
    assert world.events("payment.completed") == []


def test_thirty_vouchers_go_in_one_basket_or_none_of_them(world: World) -> None:
    customer = world.customer(0)
    cards = [world.voucher(world.gift_campaign(10), customer).id for _ in range(29)]
    coupon = world.voucher(world.campaign(min_spend_minor=2_001), customer).id

    with pytest.raises(Exception, match="below") as refusal:
        take(world.checkout(customer, line(2_000), vouchers=(*cards, coupon), rest="till"))
    assert refusal.value.facts["voucher"] == 29
    assert world.payable == 0
    taken = take(world.checkout(customer, line(2_001), vouchers=(*cards, coupon), rest="till"))

    assert (len(taken.redemptions), taken.at_till_minor) == (30, 2_001 - 500 - 290)


def test_same_reference_is_the_same_basket_and_another_rest_another(world: World) -> None:
    customer = world.customer(10_000)
    asked = world.checkout(customer, till_reference="B-1", rest="till")

    first, again = take(asked), take(asked)

    assert (again, again.replayed) == (first, True)
    with pytest.raises(TillReferenceReused):
        take(world.checkout(customer, till_reference="B-1"))


def test_lines_go_back_each_part_to_whom_it_came_from(world: World, deeds: Deeds) -> None:
    taken = basket(world)

    first = deeds.give_back(taken, [Asked(position=0, quantity=Decimal(1))])
    second = deeds.give_back(taken, [Asked(position=1)])
    last = deeds.give_back(taken)

    # Of 5.00 the coupon gave 1.25; of the other 3.75 eight fifteenths are the till's.
    assert (first.amount_minor, first.at_till_minor) == (500, 200)
    assert sum(each.at_till_minor for each in (first, second, last)) == 800
    assert (world.payable, sum(each.amount_minor for each in (first, second, last))) == (0, 2_000)
    with pytest.raises(RolledBackAlready):
        deeds.give_back(taken)
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)] * 2


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(st.integers(1, 900), min_size=1, max_size=4),
    returns=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 900)), max_size=5),
    bps=st.integers(1, 9_999),
    card_minor=st.integers(1, 500),
)
def test_in_whatever_parts_a_basket_comes_back_everybody_gets_their_own(
    world: World, deeds: Deeds, amounts: list[int], returns: list[tuple[int, int]], bps: int, card_minor: int
) -> None:
    customer = world.customer(0)
    coupon = world.voucher(world.campaign(discount={"kind": "percentage", "bps": bps}), customer)
    card = world.voucher(world.gift_campaign(card_minor), customer)
    owed = world.payable
    basket_ = [line(amount) for amount in amounts]
    shown = {"vouchers": (coupon.id, card.id), "takes_part": True}  # a coupon may be worth nothing
    taken = take(world.checkout(customer, *basket_, rest="till", **shown))

    backs = []
    for position, amount in returns:
        with contextlib.suppress(Refusal):
            backs.append(deeds.give_back(taken, [Asked(position=position, amount_minor=amount)]))
    with contextlib.suppress(RolledBackAlready):
        backs.append(deeds.give_back(taken))

    assert sum(back.at_till_minor for back in backs) == taken.at_till_minor
    assert sum(back.amount_minor for back in backs) == taken.total_minor
    assert (world.payable, world.gift(card)) == (owed, card_minor)


def test_line_of_a_basket_that_moved_nothing_is_all_the_tills(world: World, deeds: Deeds) -> None:
    taken = take(world.checkout(world.customer(0), line(1_000), line(500), rest="till"))

    back = deeds.give_back(taken, [Asked(position=0, amount_minor=400)])

    assert (back.amount_minor, back.at_till_minor, back.transfer_id) == (400, 400, None)


def test_reversal_tells_what_the_till_gives_back_itself_again_and_again(world: World, deeds: Deeds) -> None:
    basket(world, till_reference="B-1")

    answers = [deeds.reverse("B-1") for _ in range(2)]

    assert [(each.reversal.amount_minor, each.at_till_minor) for each in answers] == [(1_200, 800)] * 2
    assert world.payable == 0
    with pytest.raises(PaymentReversed):
        basket(world, till_reference="B-1")


def test_reversal_of_a_basket_that_moved_nothing_leaves_a_tombstone(world: World, deeds: Deeds) -> None:
    asked = world.checkout(world.customer(0), till_reference="B-1", rest="till")
    take(asked)

    answers = [deeds.reverse("B-1") for _ in range(2)]

    assert [(each.reversal.amount_minor, each.at_till_minor) for each in answers] == [(None, 2_000)] * 2
    with pytest.raises(PaymentReversed):
        take(asked)


def test_reversal_before_the_basket_bars_it(world: World, deeds: Deeds, refused) -> None:
    assert deeds.reverse("B-1").currency is None

    [outcome] = take_all(world.checkout(world.customer(0), till_reference="B-1", rest="till"))

    refused(outcome, PaymentReversed)


def test_refund_of_the_payment_says_nothing_of_the_tills_part(world: World, deeds: Deeds) -> None:
    taken = basket(world)
    give_back(taken, 1_200)
    with transaction() as session:
        assert open_all(session, [(taken.transfer_id, NOW)]) == []

    back = deeds.give_back(taken)

    assert (back.amount_minor, back.at_till_minor) == (800, 800)
    assert world.rows("SELECT state, used FROM rewards.voucher") == [("active", 0)] * 2


def test_day_end_owes_the_merchant_only_what_moved(world: World, deeds: Deeds) -> None:
    with transaction() as session:
        connection_of(session).execute(
            "WITH m AS (INSERT INTO auth.merchant (id, name, created_at) VALUES (%s, 'Shop', now()) RETURNING id)"
            " INSERT INTO auth.store (id, merchant_id, name, created_at, time_zone)"
            " SELECT %s, id, 'Main', now(), 'UTC' FROM m",
            [world.till.merchant_id, world.till.store_id],
        )
    taken = basket(world)
    deeds.give_back(taken, [Asked(position=0, quantity=Decimal(1))])

    with transaction() as session:
        [found] = day_ends.of(session, world.till.store_id, NOW.date(), now=NOW).totals

    assert (found.total_minor, found.at_till_minor, found.given_back_minor, found.at_till_back_minor) == (
        2_000, 800, 500, 200,
    )  # fmt: skip
    assert found.net_minor == world.payable == 900


def test_frozen_wallet_keeps_its_card_and_its_bearer_may_pay_in_cash(world: World) -> None:
    customer = world.customer(0)
    card = world.voucher(world.gift_campaign(), customer)
    with transaction() as session:
        standing.freeze(session, f"customer:{customer}")

    with pytest.raises(AccountFrozen):
        take(world.checkout(customer, vouchers=(card.id,), rest="till"))
    assert take(world.checkout(customer, rest="till")).at_till_minor == 2_000


def test_rest_of_the_wallet_stays_refused_without_cover(world: World) -> None:
    with pytest.raises(InsufficientFunds):
        take(world.checkout(world.customer(1_999)))


def test_audit_names_a_basket_whose_payment_is_not_what_vouchers_gave(world: World) -> None:
    taken = basket(world)
    world.rows("UPDATE rewards.checkout SET at_till_minor = 900, gift_minor = 600 RETURNING 1")

    with transaction() as session:
        found = rewards_checks.first_difference(connection_of(session))
        session.rollback()
    world.rows("UPDATE rewards.checkout SET at_till_minor = 800, gift_minor = 700 RETURNING 1")

    assert found is not None
    assert str(taken.id) in found
