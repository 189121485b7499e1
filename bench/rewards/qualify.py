"""Which offers fit a basket: how long that takes the server, and that campaigns for other baskets cost nothing."""

import os
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median, quantiles
from time import perf_counter
from typing import Any
from uuid import UUID

from bench.database import fresh
from bench.figures import Figure
from bench.rewards import first
from bench.turns import settle
from core import clock, crypto, ids
from core.db import connection_of, transaction
from rewards import campaigns, vouchers
from rewards.baskets import Basket, Line
from rewards.campaigns import Draft
from rewards.offers import qualifying
from rewards.offers.qualifying import Asked
from rewards.vouchers import Issue
from wallet.paying.tills import Till

CONCERNED, OTHERS = 1_000, 9_000
LINES, OWN, CUSTOMERS = 20, 10, 20
REQUESTS = int(os.environ.get("BENCH_REQUESTS") or 300)
LIMIT_MS = 40.0
CURRENCY = "USD"
_A_CHUNK = 500
_VOUCHERIFY = {"median_ms": 200, "p95_ms": 450}

_DISCOUNTS: Sequence[dict[str, Any]] = (
    {"kind": "amount", "amount_minor": 150},
    {"kind": "percentage", "bps": 1_000},
    {"kind": "percentage", "bps": 2_500, "cap_minor": 400},
    {"kind": "buy_get", "buy": 2, "get": 1},
    {"kind": "fixed_price", "quantity": 3, "price_minor": 500},
)


def _rule(number: int) -> dict[str, Any] | None:
    """No two of them are written alike, since a process reads those that are once."""
    total = {"fact": "basket.total_minor", "is": "at_least", "value": 1_000 + number % 1_000}
    dairy = {"any_line": {"fact": "line.category", "is": "equals", "value": "DAIRY"}}
    drinks = {"where": {"fact": "line.category", "is": "equals", "value": "DRINKS"}, "sum": "amount_minor"}
    return (
        None,
        total,
        {"all": [{"fact": "basket.quantity", "is": "at_least", "value": 3}, dairy, total]},
        {"all": [{"lines": drinks, "is": "at_least", "value": 300}, total]},
    )[number % 4]


def measure() -> list[Figure]:
    """BENCH_REQUESTS says how many baskets; in one process, one after the other, on one connection."""
    random.seed(4)
    with fresh() as settings:
        now = clock.now()
        concerned = _create([_concerned(number, now) for number in range(CONCERNED)], now)
        customers = _people(concerned, now)
        settle(settings.database_url)
        alone = _ask(customers, now)
        begins_alone = first.measure_in(settings.database_url)
        _create([_other(number, now) for number in range(OTHERS)], now)
        settle(settings.database_url)
        among = _ask(customers, now)
        begins = first.measure_in(settings.database_url)
    more = {"ours": among, "of_1_000_alone": alone, "voucherify": _VOUCHERIFY}
    begin = {"of_10_000": begins, "of_1_000": begins_alone}
    ten_fold = f"the same with {CONCERNED:,} campaigns, all of which concern the basket"
    return [
        Figure("rewards.qualify_p95_ms", among["p95_ms"], "ms", "the most that it may take", LIMIT_MS, more),
        Figure("rewards.qualify_ten_fold", among["median_ms"], "ms", ten_fold, alone["median_ms"]),
        Figure(
            "rewards.qualify_first_ms",
            begins["warm"]["first_ms"],
            "ms",
            f"where the process has not read the {CONCERNED + OTHERS:,} campaigns before its first request",
            begins["cold"]["first_ms"],
            begin,
        ),
    ]


def _concerned(number: int, now: datetime) -> Draft:
    """Half cover products of the basket, half all of it."""
    skus = [f"sku{number % LINES}", f"sku{(number * 7) % LINES}"] if number % 2 else None
    return _draft(number, now, skus)


def _other(number: int, now: datetime) -> Draft:
    return _draft(number, now, [f"elsewhere{number}", f"elsewhere{number + 1}"])


def _draft(number: int, now: datetime, skus: Sequence[str] | None) -> Draft:
    return Draft(
        name=f"Campaign {number}",
        kind="coupon",
        discount=dict(_DISCOUNTS[number % len(_DISCOUNTS)]),
        currency=CURRENCY,
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=30),
        skus=skus,
        rule=_rule(number),
        limit_total=1_000_000 if number % 3 else None,
        limit_per_customer=5,
        budget_minor=1_000_000,
        starts_now=True,
    )


def _create(drafts: Sequence[Draft], now: datetime) -> list[UUID]:
    made: list[UUID] = []
    for start in range(0, len(drafts), _A_CHUNK):
        with transaction() as session:
            made += campaigns.create_all(session, drafts[start : start + _A_CHUNK], actor="bench", now=now)
    return made


def _people(concerned: Sequence[UUID], now: datetime) -> list[UUID]:
    """Customers with some vouchers of their own; each campaign has a code that anybody may show."""
    customers = [ids.new() for _ in range(CUSTOMERS)]
    with transaction() as session:
        crypto.create_data_keys(session, customers)
    given = [Issue(campaign_id=each, customer_id=None, source=f"bench:{each}") for each in concerned]
    for customer_id in customers:
        own = random.sample(concerned, OWN)
        given += [
            Issue(campaign_id=each, customer_id=customer_id, source=f"bench:{each}:{customer_id}") for each in own
        ]
    for start in range(0, len(given), _A_CHUNK):
        with transaction() as session:
            vouchers.issue_all(session, given[start : start + _A_CHUNK], now=now)
    return customers


def _ask(customers: Sequence[UUID], now: datetime) -> dict[str, float]:
    """Milliseconds from the basket to the offers, each in a transaction of its own, after a few to warm up."""
    took = []
    for number in range(-20, REQUESTS):
        asked = Asked(basket=basket(), currency=CURRENCY, at=now, customer_id=random.choice(customers), till=_TILL)
        begun = perf_counter()
        with transaction() as session:
            found = qualifying.offers(connection_of(session), asked)
        if number >= 0:
            took.append((perf_counter() - begun) * 1_000)
        assert len(found.offers) == qualifying.MOST_OFFERS
    return {"median_ms": round(median(took), 1), "p95_ms": round(quantiles(took, n=20)[-1], 1)}


def basket() -> Basket:
    lines = [
        Line(
            sku=f"sku{number}",
            category="DAIRY" if number % 2 else "DRINKS",
            quantity=str(random.randint(1, 4)),
            amount_minor=random.randint(100, 900),
        )
        for number in range(LINES)
    ]
    return Basket(tuple(lines))


_TILL = Till(merchant_id=ids.new(), store_id=ids.new(), terminal_id=ids.new())
