"""The real days: households, stores, products, coupons, baskets and redemptions of the Complete Journey data.

What the files leave open is settled here and told in docs/demo.md: which basket a redemption belongs to, what it was
worth, and what a line is called whose product is not listed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from app.demo.source_files import UNLISTED, Files, Window


@dataclass(frozen=True, slots=True)
class Household:
    """A household that shops; the demographics are known for 801 of the 2,469 and None for the rest."""

    household_id: int
    age: str | None
    income: str | None
    home_ownership: str | None
    marital_status: str | None
    household_size: str | None
    household_comp: str | None
    kids_count: str | None


@dataclass(frozen=True, slots=True)
class StoreOf:
    """A store; the files tell nothing of it but its number."""

    store_id: int


@dataclass(frozen=True, slots=True)
class Product:
    """A product that is bought or covered by a coupon; without a row in the files, `is_listed` is false."""

    sku: str
    department: str
    category: str
    product_type: str | None
    brand: str | None
    package_size: str | None
    is_listed: bool


@dataclass(frozen=True, slots=True)
class CouponCampaign:
    """One campaign-and-coupon pair: a coupon of our rewards. Local days, both included; targets are household ids."""

    campaign_id: int
    coupon_upc: int
    kind: str
    first_day: date
    last_day: date
    skus: tuple[str, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a basket; amounts in cents, none negative.

    units    amount_minor: what the shop takes in for the line. The shelf and loyalty discount (`retail_disc_minor`) and
             the shop's own doubling of a coupon (`coupon_match_minor`) are already off it; `coupon_disc_minor` is not:
             it is the part of the takings that the coupon's issuer pays in the customer's place. So a basket's
             total_minor is paid by wallet and coupon together. It can pass amount_minor on single lines (3,507 of
             21,889), which is why a redemption is capped at its basket.
    """

    sku: str
    category: str
    quantity: str
    amount_minor: int
    retail_disc_minor: int
    coupon_disc_minor: int
    coupon_match_minor: int


@dataclass(frozen=True, slots=True)
class BasketOf:
    """One visit to a till; lines in order of product number, each product once."""

    basket_id: int
    household_id: int
    store_id: int
    occurred_at: datetime
    lines: tuple[Line, ...]
    total_minor: int


@dataclass(frozen=True, slots=True)
class RedemptionOf:
    """One use of a coupon, given the basket it belongs to.

    shape    lines: skus whose coupon_disc makes up value_minor before the cap; a line covered by several
             redemptions of a basket is counted by the first by (campaign_id, coupon_upc) only
             covered_lines: how many lines of the basket the coupon covers, counted by others or not
    """

    household_id: int
    campaign_id: int
    coupon_upc: int
    local_day: date
    basket_id: int
    value_minor: int
    covered_lines: int
    occurred_at: datetime
    lines: tuple[str, ...]


def households(files: Files, window: Window) -> list[Household]:
    """Who shops in the window or is targeted by a campaign that runs in it, by number."""
    rows = _rows(
        files,
        f"""select h.household_id, d.age, d.income, d.home_ownership, d.marital_status, d.household_size,
                   d.household_comp, d.kids_count
            from (select household_id from basket where local_day between $first and $last
                  union select t.household_id from campaigns t join campaign c using (campaign_id) where {RUNS}) h
            left join demographics d using (household_id) order by 1""",
        window,
    )
    return [Household(*row) for row in rows]


def stores(files: Files, window: Window) -> list[StoreOf]:
    """The stores that sell in the window, by number."""
    statement = "select distinct store_id from basket where local_day between $first and $last order by 1"
    rows = _rows(files, statement, window)
    return [StoreOf(*row) for row in rows]


def products(files: Files, window: Window) -> list[Product]:
    """What is bought in the window or covered by a coupon that runs in it, by number."""
    rows = _rows(
        files,
        f"""select w.product_id::varchar, coalesce(p.department, '{UNLISTED}'),
                   coalesce(p.product_category, p.department, '{UNLISTED}'), p.product_type, p.brand, p.package_size,
                   p.product_id is not null
            from (select t.product_id from transactions t join basket b using (basket_id)
                  where b.local_day between $first and $last
                  union select v.product_id from cover v join campaign c using (campaign_id) where {RUNS}) w
            left join products p using (product_id) order by w.product_id""",
        window,
    )
    return [Product(*row) for row in rows]


def campaigns(files: Files, window: Window) -> list[CouponCampaign]:
    """Each campaign-and-coupon pair whose campaign runs on a day of the window, by campaign and coupon."""
    targeted = "select campaign_id, list(household_id order by household_id) from campaigns group by 1"
    targets = {row[0]: tuple(row[1]) for row in files.cursor().execute(targeted).fetchall()}
    rows = _rows(
        files,
        f"""select c.campaign_id, v.coupon_upc, c.campaign_type, c.first_day, c.last_day,
                   list(v.product_id::varchar order by v.product_id)
            from campaign c join cover v using (campaign_id) where {RUNS} group by all order by 1, 2""",
        window,
    )
    return [
        CouponCampaign(campaign_id, coupon_upc, kind, first_day, last_day, tuple(skus), targets[campaign_id])
        for campaign_id, coupon_upc, kind, first_day, last_day, skus in rows
    ]


def redemptions(files: Files, window: Window) -> list[RedemptionOf]:
    """The window's redemptions in order of their baskets' time, then basket, campaign and coupon.

    A redemption has only a household, a coupon and a day in the files. It belongs to that local day's basket of its
    household with the most lines that its coupon covers; of equals, the earliest, then the lowest basket number (so
    with no covered line at all, the day's earliest). Its value is the `coupon_disc` of those lines, each line counted
    for one redemption only, and all of a basket's values together at most its total: cut from the last one back.
    """
    rows = _rows(
        files,
        """select household_id, campaign_id, coupon_upc, local_day, basket_id, value_minor, covered_lines,
                  occurred_at, skus
           from redemption where local_day between $first and $last
           order by occurred_at, basket_id, campaign_id, coupon_upc""",
        window,
    )
    return [
        RedemptionOf(
            household_id, campaign_id, upc, day, basket_id, value, covered, at.replace(tzinfo=UTC), tuple(skus)
        )
        for household_id, campaign_id, upc, day, basket_id, value, covered, at, skus in rows
    ]


def baskets(files: Files, window: Window) -> Iterator[BasketOf]:
    """The window's baskets in order of time, then basket number, streamed.

    Sorting all 1.47 million lines at once would hold them all, so two weeks are read at a time; local days
    follow UTC time, so the whole is in order too. The year takes some 4 s of one core and a peak of about
    200 MB with the interpreter (measured).
    """
    first = window.first
    while first <= window.last:
        last = min(first + timedelta(days=SLICE_DAYS - 1), window.last)
        yield from _slice(files, Window(first, last))
        first = last + timedelta(days=1)


SLICE_DAYS = 14
FETCH_LINES = 10_000

# A campaign (as c) runs on at least one day of the window.
RUNS = "c.first_day <= $last and c.last_day >= $first"


def _slice(files: Files, window: Window) -> Iterator[BasketOf]:
    cursor = files.cursor().execute(
        """select b.basket_id, b.household_id, b.store_id, b.occurred_at, b.total_minor,
                  l.product_id::varchar, l.category, l.quantity::varchar,
                  l.amount_minor, l.retail_disc_minor, l.coupon_disc_minor, l.coupon_match_minor
           from line l join basket b using (basket_id) where b.local_day between $first and $last
           order by b.occurred_at, b.basket_id, l.product_id""",
        {"first": window.first, "last": window.last},
    )
    rows = (row for batch in iter(lambda: cursor.fetchmany(FETCH_LINES), []) for row in batch)
    for head, of_basket in groupby(rows, itemgetter(0, 1, 2, 3, 4)):
        basket_id, household_id, store_id, occurred_at, total_minor = head
        lines = tuple([Line(*row[5:]) for row in of_basket])
        yield BasketOf(basket_id, household_id, store_id, occurred_at.replace(tzinfo=UTC), lines, total_minor)


def _rows(files: Files, statement: str, window: Window) -> list[tuple[Any, ...]]:
    # A cursor of its own, so that a reader of `baskets` may ask for something else meanwhile.
    return files.cursor().execute(statement, {"first": window.first, "last": window.last}).fetchall()
