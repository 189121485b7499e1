"""What a store's day came to, on the store's own clock."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask

from app import worker
from core import ids
from core.db import transaction
from core.errors import NotFound
from rewards import checkouts
from rewards import reactions as rewards_reactions
from rewards.gift_cards import deactivations
from rewards.rollbacks import checkouts as returns
from rewards.rollbacks import reversing
from rewards.rollbacks.lines import Asked
from rewards.rollbacks.rows import Deed
from rewards.tills import day_ends
from rewards.tills.day_ends import DayEnd
from tests.rewards.conftest import NOW, World, line
from tests.rewards.gift_cards.test_printing import printed, sell
from tests.rewards.test_api import Door
from tests.rewards.tills.conftest import signing_till, world_of
from wallet import refunds
from wallet.paying import mixed
from wallet.paying.splits import in_order
from wallet.payments import Payment

#: Summer time ends there on this day, which has 25 hours.
DAY = date(2026, 10, 25)


@pytest.fixture
def till(app: Flask) -> Door:
    return signing_till(app, ed25519.Ed25519PrivateKey.generate(), time_zone="Europe/Berlin")


@pytest.fixture
def shop(till: Door) -> World:
    return world_of(till)


def take(shop: World, at: datetime, *, vouchers: tuple[Any, ...] = (), amount: int = 2_000) -> Any:
    customer = shop.customer()
    coupon = shop.voucher(shop.campaign(ends_at=NOW + timedelta(days=900)), customer)
    with transaction() as session:
        return checkouts.take(session, shop.checkout(customer, line(amount), vouchers=(coupon.id,)), now=at)


def give_back(taken: Any, at: datetime, amount: int) -> None:
    deed = Deed(principal="rollback:test", key=str(ids.new()), fingerprint=b"", at=at)
    with transaction() as session:
        asked = [Asked(position=0, amount_minor=amount)]
        returns.roll_back(session, taken.id, asked, deed, merchant_id=taken.till.merchant_id)


def pay(shop: World, at: datetime, reference: str, amount: int, *, tip: int = 0, is_by_till: bool = True) -> UUID:
    """A payment without a basket; by the store's own code it names no terminal."""
    customer = shop.customer()
    payment = Payment(
        principal=shop.till.principal if is_by_till else f"customer:{customer}",
        key=reference,
        fingerprint=b"",
        customer_id=customer,
        merchant_id=shop.till.merchant_id,
        store_id=shop.till.store_id,
        terminal_id=shop.till.terminal_id if is_by_till else None,
        reference=reference,
        amount_minor=amount + tip,
        tip_minor=tip,
        currency="USD",
        at=at,
    )
    with transaction() as session:
        return mixed.pay(session, payment, in_order(["cash"])).transfer_id


def refund(shop: World, payment_id: UUID, at: datetime, amount: int) -> None:
    with transaction() as session:
        refunds.refund(
            session,
            principal="terminal:test",
            key=str(ids.new()),
            fingerprint=b"",
            payment_id=payment_id,
            merchant_id=shop.till.merchant_id,
            amount_minor=amount,
            at=at,
        )


def rows_of(table: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))


def of(shop: World, day: date = DAY) -> DayEnd:
    with transaction() as session:
        return day_ends.of(session, shop.till.store_id, day, now=NOW)


def test_day_is_the_stores_own_from_midnight_to_midnight(shop: World) -> None:
    first, next_day = datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)
    for at in (first - timedelta(seconds=1), first, next_day - timedelta(seconds=1), next_day):
        take(shop, at)

    found = of(shop)

    assert (found.since, found.until, found.time_zone) == (first, next_day, "Europe/Berlin")
    assert [each.checkouts for each in found.totals] == [2]
    assert [of(shop, DAY + timedelta(days=days)).totals[0].checkouts for days in (-1, 1)] == [1, 1]


def test_figures_add_up_to_what_the_merchant_is_owed(till: Door, shop: World) -> None:
    at = datetime(2026, 10, 25, 12, tzinfo=UTC)
    taken = take(shop, at)
    give_back(taken, at + timedelta(hours=1), 700)
    take(shop, at)

    [figures] = of(shop).totals

    assert (figures.total_minor, figures.discount_minor, figures.paid_minor) == (4_000, 1_000, 3_000)
    assert (figures.rollbacks, figures.given_back_minor, figures.net_minor) == (1, 700, 3_300)
    assert figures.net_minor == shop.payable


def test_payments_tips_and_refunds_are_in_it(till: Door, shop: World) -> None:
    at = datetime(2026, 10, 25, 12, tzinfo=UTC)
    paid = pay(shop, at, "A", 1_000, tip=150)
    pay(shop, at, "B", 500)
    pay(shop, at + timedelta(days=1), "C", 900)
    basket = take(shop, at)
    refund(shop, paid, at, 300)
    refund(shop, basket.transfer_id, at, 400)

    [figures] = of(shop).totals

    assert (figures.payments, figures.payments_minor, figures.tips_minor) == (2, 1_500, 150)
    assert (figures.checkouts, figures.total_minor) == (1, 2_000)
    assert (figures.refunds, figures.refunded_minor) == (2, 700)
    assert (figures.rollbacks, figures.given_back_minor) == (0, 0)
    [tomorrow] = of(shop, DAY + timedelta(days=1)).totals
    assert figures.net_minor + tomorrow.net_minor == shop.payable


def test_refund_counts_on_its_own_day_for_the_till_that_took_it(shop: World) -> None:
    at = datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC)
    paid = pay(shop, at, "A", 1_000)
    refund(shop, paid, at + timedelta(seconds=1), 1_000)

    [figures], [after] = of(shop).totals, of(shop, DAY + timedelta(days=1)).totals

    assert (figures.payments_minor, figures.refunded_minor) == (1_000, 0)
    assert (after.payments_minor, after.refunded_minor, after.net_minor) == (0, 1_000, -1_000)
    assert [each.terminal_id for each in of(shop, DAY + timedelta(days=1)).tills] == [shop.till.terminal_id]


def test_basket_that_refunds_give_back_whole_is_counted_once(till: Door, shop: World) -> None:
    at = datetime(2026, 10, 25, 12, tzinfo=UTC)
    refund(shop, take(shop, at).transfer_id, at, 2_000)
    worker.drain(rewards_reactions.READERS, [], now=at)

    [figures] = of(shop).totals

    assert len(shop.rows("SELECT FROM rewards.rollback WHERE kind = 'refund'")) == 1
    assert (figures.rollbacks, figures.refunds, figures.refunded_minor, figures.net_minor) == (0, 1, 2_000, 0)


@pytest.mark.parametrize("is_rest", [False, True], ids=["whole", "rest"])
def test_basket_that_its_till_reverses_is_counted_once(till: Door, shop: World, is_rest: bool) -> None:
    at = datetime(2026, 10, 25, 12, tzinfo=UTC)
    taken = take(shop, at)
    if is_rest:
        give_back(taken, at, 700)
    with transaction() as session:
        reversing.reverse(session, shop.till, taken.till_reference, at=at)

    [figures] = of(shop).totals

    assert (figures.rollbacks, figures.given_back_minor) == (2 if is_rest else 1, 2_000)
    assert (figures.refunds, figures.refunded_minor, figures.net_minor, shop.payable) == (0, 0, 0, 0)


def test_reversed_payment_is_a_refund(till: Door, shop: World) -> None:
    at = datetime(2026, 10, 25, 12, tzinfo=UTC)
    pay(shop, at, "A", 1_000, tip=100)
    with transaction() as session:
        reversing.reverse(session, shop.till, "A", at=at)

    [figures] = of(shop).totals

    assert (figures.payments, figures.refunds, figures.refunded_minor, figures.net_minor) == (1, 1, 1_100, 0)


def test_what_was_paid_by_the_store_s_own_code_is_no_till_s(till: Door, shop: World) -> None:
    at = datetime(2026, 10, 25, 12, tzinfo=UTC)
    pay(shop, at, "A", 1_000, is_by_till=False)
    pay(shop, at, "B", 500)

    found = of(shop)

    assert [(each.terminal_id, each.figures.payments_minor) for each in found.tills] == [
        (shop.till.terminal_id, 500),
        (None, 1_000),
    ]
    assert [(row["terminal"], row["payments_minor"]) for row in rows_of(day_ends.as_csv(found))] == [
        ("1", "500"),
        ("store code", "1000"),
        ("total", "1500"),
    ]
    assert till.get("/day-end?date=2026-10-25").json["tills"][1]["terminal_id"] is None


def test_tills_of_one_store_stand_side_by_side_and_other_stores_elsewhere(app: Flask, till: Door, shop: World) -> None:
    at = datetime(2026, 10, 25, 12, tzinfo=UTC)
    beside = replace(shop, till=replace(shop.till, terminal_id=ids.new()))
    elsewhere = replace(shop, till=replace(shop.till, store_id=ids.new()))
    for number, each in enumerate((shop, beside, elsewhere)):
        pay(each, at, f"P{number}", 100 * (number + 1))

    assert sorted(each.figures.payments_minor for each in of(shop).tills) == [100, 200]


def test_what_is_given_back_later_belongs_to_that_day(shop: World) -> None:
    at = datetime(2026, 10, 25, 12, tzinfo=UTC)
    give_back(take(shop, at), at + timedelta(days=1), 700)

    assert (of(shop).totals[0].net_minor, of(shop, DAY + timedelta(days=1)).totals[0].net_minor) == (2_000, -700)


def test_tills_and_sums_stand_in_the_answer_and_the_table(till: Door, shop: World) -> None:
    take(shop, datetime(2026, 10, 25, 12, tzinfo=UTC))
    shop.rows("UPDATE auth.terminal SET name = '=1+1' RETURNING 1")

    told = till.get("/day-end?date=2026-10-25").json
    table = till.get("/day-end.csv?date=2026-10-25")

    [one], [total] = told["tills"], told["totals"]
    assert (told["date"], told["since"]) == ("2026-10-25", "2026-10-24T22:00:00Z")
    assert (one["terminal_id"], one["total_minor"], total["net_minor"]) == (str(till.principal.id), 2_000, 2_000)
    rows = rows_of(table.data)
    assert [(row["terminal"], row["paid_minor"], row["net_minor"]) for row in rows] == [
        ("'=1+1", "1500", "2000"),
        ("total", "1500", "2000"),
    ]
    assert "day-end-2026-10-25.csv" in table.headers["Content-Disposition"]


def test_another_stores_day_is_another(app: Flask, till: Door, shop: World) -> None:
    take(shop, datetime(2026, 10, 25, 12, tzinfo=UTC))
    other = signing_till(app, ed25519.Ed25519PrivateKey.generate())

    assert other.get("/day-end?date=2026-10-25").json["totals"] == []
    assert till.get("/day-end").json["totals"] == []  # today's
    with transaction() as session, pytest.raises(NotFound):
        day_ends.of(session, ids.new(), DAY, now=NOW)


@pytest.mark.parametrize("day", ["25.10.2026", "2026-02-30", "0001-01-01", "9999-12-31", ""])
def test_what_is_no_day_is_refused(till: Door, day: str) -> None:
    refused = till.get(f"/day-end?date={day}")

    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/date")


def test_gift_cards_that_were_sold_are_the_brands_money_in_the_till(shop: World) -> None:
    at = datetime(2026, 10, 25, 22, tzinfo=UTC)
    codes = [printed(shop, ends_at=NOW + timedelta(days=900)) for _ in range(2)]
    sell(shop, codes[0], now=at)
    made = sell(shop, codes[1], now=at + timedelta(minutes=59))
    assert [(each.cards, each.cards_minor, each.net_minor) for each in of(shop).totals] == [(2, 5_000, -5_000)]

    with transaction() as session:
        deactivations.void(session, made.id, shop.till, now=at + timedelta(minutes=61))

    assert [(each.cards, each.net_minor) for each in of(shop).totals] == [(2, -5_000)]
    assert [(each.cards, each.net_minor) for each in of(shop, DAY + timedelta(days=1)).totals] == [(-1, 2_500)]
    assert shop.payable == -2_500
