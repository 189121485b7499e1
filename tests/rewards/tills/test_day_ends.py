"""What a store's day came to, on the store's own clock."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask

from core import ids
from core.db import transaction
from core.errors import NotFound
from rewards import checkouts
from rewards.rollbacks import checkouts as returns
from rewards.rollbacks.lines import Asked
from rewards.rollbacks.rows import Deed
from rewards.tills import day_ends
from rewards.tills.day_ends import DayEnd
from tests.rewards.conftest import NOW, World, line
from tests.rewards.test_api import Door
from tests.rewards.tills.conftest import signing_till, world_of

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
    rows = list(csv.DictReader(io.StringIO(table.data.decode("utf-8-sig"))))
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
