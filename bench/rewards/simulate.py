"""A draft campaign over a year of baskets, as many as the demo has, beside what the issue allows."""

import os
import random
from datetime import timedelta
from time import perf_counter
from typing import Any
from uuid import UUID

from bench import processes
from bench.database import fresh
from bench.figures import Figure
from bench.rewards.world import CURRENCY
from bench.turns import settle
from core import clock, ids
from core.db import transaction
from core.events import announce_all
from rewards import campaigns
from rewards.baskets import Line
from rewards.campaigns import Draft
from rewards.events import OrderCompleted
from rewards.simulation import runs, work

ORDERS, CUSTOMERS, STORES, PRODUCTS, RIVALS = 156_000, 2_000, 20, 3_000, 100
MOST_SECONDS = 60
_A_CHUNK = 500


def measure() -> list[Figure]:
    """The whole run of the worker, reading included; the campaign has a rule over the customer's history."""
    with fresh() as settings:
        _fill()
        settle(settings.database_url)
        draft = _campaigns()
        now = clock.now()
        with transaction() as session:
            span: dict[str, Any] = {"since": now - timedelta(days=365), "until": now}
            asked = runs.ask(session, campaign_id=draft, **span, take_up_bps=10_000, actor="bench", now=now).id
        begun = perf_counter()
        work.play_due(now)
        seconds = round(perf_counter() - begun, 1)
        with transaction() as session:
            result = runs.find(session, asked).result or {}
    more = {
        "baskets": result["baskets"],
        "qualifying": result["qualifying"],
        "peak_mib": processes.peak_mib([os.getpid()]),
    }
    return [Figure("rewards.simulate_s", seconds, "s", f"the most for {ORDERS:,} baskets", MOST_SECONDS, more)]


def _fill() -> None:
    """Baskets of five to fifteen lines, spread evenly over the year."""
    now, draw = clock.now(), random.Random(1)
    customers, stores = ([ids.new() for _ in range(count)] for count in (CUSTOMERS, STORES))
    for start in range(0, ORDERS, _A_CHUNK):
        made = []
        for number in range(start, min(ORDERS, start + _A_CHUNK)):
            lines = tuple([_line(draw) for _ in range(draw.randint(5, 15))])
            total = sum([line.amount_minor for line in lines])
            made.append(
                OrderCompleted(
                    customer_id=draw.choice(customers), occurred_at=now - timedelta(days=365) * (1 - number / ORDERS),
                    order_id=ids.new(), checkout_id=ids.new(), merchant_id=stores[0], store_id=draw.choice(stores),
                    total_minor=total, discount_minor=0, gift_minor=0, paid_minor=total, currency=CURRENCY, lines=lines,
                )
            )  # fmt: skip
        with transaction() as session:
            announce_all(session, made)


def _line(draw: random.Random) -> Line:
    product = draw.randrange(PRODUCTS)
    return Line(f"sku-{product}", f"category-{product % 50}", "1", draw.randint(50, 2_000))


def _campaigns() -> UUID:
    """The draft, and running ones that it may overlap with, each for a hundred products."""
    now = clock.now()
    named: dict[str, Any] = {
        "kind": "coupon",
        "currency": CURRENCY,
        "starts_at": now,
        "ends_at": now + timedelta(days=30),
    }
    rivals = [
        Draft(
            name=f"Rival {number}", discount={"kind": "percentage", "bps": 1_000}, starts_now=True,
            skus=[f"sku-{(number * 100 + each) % PRODUCTS}" for each in range(100)], **named,
        )
        for number in range(RIVALS)
    ]  # fmt: skip
    rule = {
        "all": [
            {"fact": "history.orders", "is": "at_least", "value": 3},
            {"any_line": {"fact": "line.category", "is": "equals", "value": "category-7"}},
        ]
    }
    draft = Draft(
        name="Draft",
        discount={"kind": "amount", "amount_minor": 200},
        limit_per_customer=4,
        rule=rule,
        min_spend_minor=2_000,
        **named,
    )
    with transaction() as session:
        campaigns.create_all(session, rivals, actor="bench", now=now)
        return campaigns.create(session, draft, actor="bench", now=now)
