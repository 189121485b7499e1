"""Basket by basket: where our tables part from the files, by name. Sums can agree by chance; baskets cannot."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from app.demo import windows
from app.demo.source_campaigns import past_campaigns
from app.demo.source_files import Files, Window
from app.demo.stage import Scene
from core.db import Connection


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that our tables say otherwise; `words` is a sentence for people."""

    basket: str
    household_id: int | None
    customer_id: UUID | None
    day: date | None
    words: str

    def __str__(self) -> str:
        whose = f" of household {self.household_id} (customer {self.customer_id})" if self.household_id else ""
        when = f", {self.day}" if self.day else ""
        return f"basket {self.basket}{whose}{when}: {self.words}"


@dataclass(frozen=True, slots=True)
class Expected:
    """A basket as the files have it. coupons: what each took off it, by "campaign/coupon"."""

    household_id: int
    store_number: int
    occurred_at: datetime
    total_minor: int
    lines: int
    coupons: dict[str, int]

    @property
    def coupons_minor(self) -> int:
        return sum(self.coupons.values())


@dataclass(frozen=True, slots=True)
class Found:
    """A basket as our tables have it: the order announced, the checkout kept, and what the ledger moved.

    coupons_minor, journey_minor, wallet_minor  paid by the real campaigns' budgets, the journey's, the customer
    coupons  what each redemption says that it took off, by "campaign/coupon"
    """

    order_customer_id: UUID | None
    order_store_id: str | None
    order_at: datetime | None
    order_minor: int | None
    lines_minor: int | None
    lines: int | None
    checkout_customer_id: UUID
    checkout_minor: int
    payable_minor: int
    coupons_minor: int
    journey_minor: int
    wallet_minor: int
    wallet_owner: str | None
    coupons: dict[str, int]


def between(files: Files, connection: Connection, scene: Scene, window: Window) -> Iterator[Difference]:
    """Every difference, basket by basket in the files' order, then what no basket of the files explains."""
    expected = _expected(files, window)
    found, strangers = _found(connection, scene, window)
    households = {customer_id: number for number, customer_id in scene.households.items()}

    for basket, wanted in expected.items():
        customer_id, day = scene.households.get(wanted.household_id), windows.local_day(wanted.occurred_at)
        ours = found.pop(basket, None)
        sentences = ["it was never checked out"] if ours is None else _compare(wanted, ours, scene, households)
        for words in sentences:
            yield Difference(basket, wanted.household_id, customer_id, day, words)
    for basket in found:
        yield Difference(basket, None, None, None, "the files know no such basket")
    for event_id in strangers:
        yield Difference("?", None, None, None, f"event {event_id} announces an order that no checkout stands behind")


def simulated(files: Files, connection: Connection, window: Window) -> Iterator[str]:
    """What a campaign's simulation says otherwise than the files, in a sentence for people."""
    results: dict[int, Any] = dict(connection.execute(_SIMULATED).fetchall())
    for past in past_campaigns(files, window):
        result = results.get(past.number)
        if result is None:
            yield f"campaign {past.number} was never simulated"
            continue
        days = [day for day in result["days"] if day["uses"]]
        for what, source, found in (
            ("uses", past.uses, result["uses"]),
            ("uses on all days together", past.uses, sum([day["uses"] for day in days])),
            ("days with uses", past.used_days, len(days)),
            ("cents of cost", past.cost_minor, result["cost"]["amount_minor"]),
        ):
            if found != source:
                yield f"campaign {past.number} has {found:,} {what} in its simulation, {source:,} by the files"


def _compare(wanted: Expected, ours: Found, scene: Scene, households: dict[UUID, int]) -> Iterator[str]:
    customer_id = scene.households.get(wanted.household_id)
    if ours.order_customer_id is None and ours.order_minor is None:
        yield "no order was announced for it"
        return
    if ours.order_customer_id != customer_id:
        other = households.get(ours.order_customer_id) if ours.order_customer_id else None
        yield f"its order names customer {ours.order_customer_id}, household {other or 'unknown'}"
    if ours.checkout_customer_id != customer_id:
        yield f"its checkout names customer {ours.checkout_customer_id}"
    if ours.wallet_owner not in (None, f"customer:{customer_id}"):
        yield f"{ours.wallet_owner} paid for it"
    if ours.order_store_id != str(scene.tills[wanted.store_number][0]):
        yield f"its order names store {ours.order_store_id}"
    if ours.order_at != wanted.occurred_at:
        yield f"its order happened at {ours.order_at}, in the files at {wanted.occurred_at}"
    if ours.lines != wanted.lines:
        yield f"its order has {ours.lines} lines, {wanted.lines} in the files"
    for coupon in sorted(wanted.coupons.keys() | ours.coupons.keys()):
        source, took = wanted.coupons.get(coupon), ours.coupons.get(coupon)
        if took != source:
            yield f"coupon {coupon} took {_money(took)}, {_money(source)} by the files"

    of_wallet = wanted.total_minor - wanted.coupons_minor - ours.journey_minor
    for what, source, amount in (
        ("its order comes to", wanted.total_minor, ours.order_minor),
        ("the lines of its order come to", wanted.total_minor, ours.lines_minor),
        ("its checkout comes to", wanted.total_minor, ours.checkout_minor),
        ("the merchant was credited", wanted.total_minor, ours.payable_minor),
        ("coupons' budgets paid", wanted.coupons_minor, ours.coupons_minor),
        ("the wallet paid", of_wallet, ours.wallet_minor),
    ):
        if amount != source:
            yield f"{what} {_money(amount)}, {_money(source)} by the files"


def _money(amount: int | None) -> str:
    return "nothing" if amount is None else f"{amount / 100:,.2f}"


def _expected(files: Files, window: Window) -> dict[str, Expected]:
    rows = files.cursor().execute(_SOURCE, {"first": window.first, "last": window.last}).fetchall()
    found = {}
    for basket, household, store, at, total_minor, lines, coupons, took in rows:
        by_coupon = dict(zip(coupons, took, strict=True))
        found[str(basket)] = Expected(household, store, windows.utc(at), total_minor, lines, by_coupon)
    return found


def _found(connection: Connection, scene: Scene, window: Window) -> tuple[dict[str, Found], list[UUID]]:
    """Our baskets by their till reference, and the orders that belong to none."""
    begins, ends = windows.bounds(window)
    values = {
        "begins": begins,
        "ends": ends,
        "merchant": f"merchant:{scene.merchant_id}",
        "journey_budget": f"campaign:{scene.journey_campaign_id}",
        "journey_campaign": scene.journey_campaign_id,
    }
    found, strangers = {}, []
    for row in connection.execute(_OURS, values):
        event_id, till_reference, *columns = row
        if till_reference is None:
            strangers.append(event_id)
        else:
            found[till_reference] = Found(*columns)
    return found, strangers


_SIMULATED = """
    SELECT d.campaign_number, s.result FROM demo.simulated d JOIN rewards.simulation s ON s.id = d.simulation_id
"""

_SOURCE = """
select b.basket_id, b.household_id, b.store_id, b.occurred_at, b.total_minor, l.lines,
       coalesce(r.coupons, []), coalesce(r.took, [])
from basket b
join (select basket_id, count(*) as lines from line group by 1) l using (basket_id)
left join (select basket_id, list(campaign_id || '/' || coupon_upc) as coupons, list(value_minor::bigint) as took
           from redemption group by 1) r using (basket_id)
where b.local_day between $first and $last
order by b.occurred_at, b.basket_id
"""

_OURS = """
    WITH told AS (
        SELECT e.id, e.customer_id, e.occurred_at, (e.payload->>'checkout_id')::uuid AS checkout_id,
               e.payload->>'store_id' AS store_id, (e.payload->>'total_minor')::bigint AS total_minor,
               jsonb_array_length(e.payload->'lines') AS lines,
               (SELECT coalesce(sum((line->>'amount_minor')::bigint), 0)
                  FROM jsonb_array_elements(e.payload->'lines') AS line) AS lines_minor
          FROM core.event e
         WHERE e.name = 'order.completed' AND e.occurred_at >= %(begins)s AND e.occurred_at < %(ends)s
    ), kept AS (
        SELECT * FROM rewards.checkout WHERE completed_at >= %(begins)s AND completed_at < %(ends)s
    ), moved AS (
        SELECT n.transfer_id, sum(n.amount) FILTER (WHERE a.owner = %(merchant)s) AS payable_minor,
               -sum(n.amount) FILTER (WHERE a.purpose = 'budget' AND a.owner <> %(journey_budget)s) AS coupons_minor,
               -sum(n.amount) FILTER (WHERE a.purpose = 'budget' AND a.owner = %(journey_budget)s) AS journey_minor,
               -sum(n.amount) FILTER (WHERE a.purpose = 'cash') AS wallet_minor,
               min(a.owner) FILTER (WHERE a.purpose = 'cash') AS wallet_owner
          FROM wallet.entry n JOIN wallet.account a ON a.id = n.account_id
         WHERE n.effective_at >= %(begins)s AND n.effective_at < %(ends)s
         GROUP BY n.transfer_id
    ), used AS (
        SELECT r.checkout_id, jsonb_object_agg(
                   coalesce(o.campaign_number || '/' || o.coupon_upc, r.campaign_id::text), r.amount_minor) AS coupons
          FROM rewards.redemption r LEFT JOIN demo.offer o USING (campaign_id)
         WHERE r.state = 'succeeded' AND campaign_id <> %(journey_campaign)s GROUP BY r.checkout_id)
    SELECT told.id, kept.till_reference, told.customer_id, told.store_id, told.occurred_at, told.total_minor,
           told.lines_minor::bigint, told.lines, kept.customer_id, kept.total_minor,
           coalesce(moved.payable_minor, 0)::bigint, coalesce(moved.coupons_minor, 0)::bigint,
           coalesce(moved.journey_minor, 0)::bigint, coalesce(moved.wallet_minor, 0)::bigint, moved.wallet_owner,
           coalesce(used.coupons, '{}')
      FROM told FULL JOIN kept ON kept.id = told.checkout_id
      LEFT JOIN moved ON moved.transfer_id = kept.transfer_id
      LEFT JOIN used ON used.checkout_id = kept.id
"""
