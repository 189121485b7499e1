"""What is known beside the basket: read right, by indexes, and with one statement a kind."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from auth import customers, merchants
from core.db import connection_of, transaction
from core.notes import Notes
from rewards import answers, audiences, checkouts, products, rules
from rewards.answers import Answers
from rewards.baskets import Basket, Line
from rewards.products import Product
from rewards.rules import Bought, Facts, Need
from tests.rewards.conftest import NOW, World, line
from wallet.paying.tills import Till

EVERYTHING: list[Need] = ["customer", "store", "products", "history", "audiences", "segments"]
BEER, TEA = Bought("category", "BEER", 30), Bought("sku", "tea", 90)


class Recorded:
    """A connection that remembers what it was asked."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.asked: list[tuple[str, Any]] = []

    def execute(self, query: str, values: Any = None) -> Any:
        self.asked.append((query, values))
        return self.connection.execute(query, values)


def bought(world: World, customer_id: UUID, at: datetime, *lines: Line) -> None:
    with transaction() as session:
        checkouts.take(session, world.checkout(customer_id, *lines, at=at), now=NOW)


def load(needs: Collection[Need], customer_id: UUID | None, *lines: Line, **changes: Any) -> Facts:
    given = {"basket": Basket(lines or (line(),)), "till": None, "at": NOW, "currency": "USD"} | changes
    with transaction() as session:
        return rules.load(connection_of(session), needs, customer_id=customer_id, **given)


def test_history_counts_the_orders_before(world: World) -> None:
    customer_id, other = world.customer(), world.customer()
    bought(world, customer_id, NOW - timedelta(days=40), line(300))
    bought(world, customer_id, NOW - timedelta(days=10), line(200))
    bought(world, customer_id, NOW, line(1_000))  # at that very moment: not before it
    bought(world, other, NOW - timedelta(days=1), line(5_000))

    history = load(["history"], customer_id).history

    assert history is not None
    assert (history.orders, history.spent_minor, history.last_at) == (2, 500, NOW - timedelta(days=10))


def test_who_never_bought_has_a_history_of_nothing(world: World) -> None:
    history = load(["history"], world.customer()).history

    assert history is not None
    assert (history.orders, history.spent_minor, history.last_at) == (0, 0, None)


def test_what_was_given_back_is_not_spent(world: World) -> None:
    customer_id = world.customer()
    bought(world, customer_id, NOW - timedelta(days=3), line(300))
    bought(world, customer_id, NOW - timedelta(days=2), line(200))
    with transaction() as session:
        connection_of(session).execute(
            "UPDATE rewards.checkout SET back_minor = CASE total_minor WHEN 200 THEN 200 ELSE 100 END"
        )

    history = load(["history"], customer_id).history

    assert history is not None
    assert (history.orders, history.spent_minor, history.last_at) == (1, 200, NOW - timedelta(days=3))


def test_an_amount_of_another_currency_is_not_added(world: World) -> None:
    customer_id = world.customer()
    bought(world, customer_id, NOW - timedelta(days=3), line(300))

    history = load(["history"], customer_id, currency="GBP").history

    assert history is not None
    assert (history.orders, history.spent_minor) == (1, 0)


def orders(asked: Bought, customer_id: UUID | None, *, at_least: int, at: datetime = NOW) -> bool:
    raw = {
        "fact": "history.bought",
        asked.word: asked.name,
        "within_days": asked.within_days,
        "is": "at_least",
        "value": at_least,
    }
    notes = Notes()
    rule = rules.parse(raw, notes)
    assert (notes.errors, rule.needs) == ([], {asked})
    return rule.is_met(load(rule.needs, customer_id, at=at))


def test_bought_counts_orders_not_lines(world: World) -> None:
    customer_id = world.customer()
    beer = line(100, sku="ale", category="BEER")
    bought(world, customer_id, NOW - timedelta(days=2), beer, line(100, sku="stout", category="BEER"))
    bought(world, customer_id, NOW - timedelta(days=1), beer, line(100, sku="tea", category="TEA"))

    assert orders(BEER, customer_id, at_least=2)
    assert not orders(BEER, customer_id, at_least=3)
    assert orders(TEA, customer_id, at_least=1)
    assert not orders(TEA, world.customer(), at_least=1)
    assert not orders(TEA, None, at_least=0)  # nobody knows


def test_bought_looks_back_so_many_days_and_no_further(world: World) -> None:
    customer_id = world.customer()
    bought(world, customer_id, NOW - timedelta(days=30), line(100, category="BEER"))

    assert orders(BEER, customer_id, at_least=1)
    assert not orders(BEER, customer_id, at_least=1, at=NOW + timedelta(seconds=1))
    assert not orders(BEER, customer_id, at_least=1, at=NOW - timedelta(days=30))  # not itself


def test_person_audience_store_and_products_are_read(world: World) -> None:
    with transaction() as session:
        known = customers.sign_up(session, phone="+12025550143", locale="en-US", time_zone=None, now=NOW)
        audience_id = audiences.create(session, [known.id], now=NOW)
        audiences.create(session, [], now=NOW)
        merchant = merchants.add_merchant(session, name="Corner Shop", now=NOW)
        store = merchants.add_store(session, merchant_id=merchant.id, name="Main St", reference="12", now=NOW)
        products.put_all(session, [Product("milk", "Milk", "DAIRY", "FOOD", "Acme")])
    till = Till(merchant_id=merchant.id, store_id=store.id, terminal_id=store.id)

    facts = load(EVERYTHING, known.id, till=till)

    assert facts.person is not None
    assert (facts.person.locale, facts.person.signed_up_at) == ("en-US", NOW)
    assert (facts.audiences, facts.segments) == (frozenset([audience_id]), None)
    assert facts.store_reference == "12"
    assert facts.products["milk"].brand == "Acme"


def test_nobody_and_nowhere_is_nothing_known(database: None) -> None:
    facts = load([*EVERYTHING, BEER], None)

    assert (facts.person, facts.history, facts.bought, facts.audiences, facts.segments) == (None,) * 5
    assert facts.store_reference is None


@pytest.fixture
def segments() -> Iterator[dict[UUID, frozenset[str]]]:
    """Segments that a room above knows."""
    known: dict[UUID, frozenset[str]] = {}
    answers.register(Answers(segments_of=lambda _, customer_ids: {each: known[each] for each in customer_ids}))
    yield known
    answers.register(Answers())


def test_segments_are_asked_of_who_knows_them(world: World, segments: dict[UUID, frozenset[str]]) -> None:
    customer_id = world.customer()
    segments[customer_id] = frozenset(["loyal"])
    notes = Notes()
    rule = rules.parse({"fact": "customer.segment", "is": "one_of", "value": ["loyal", "new"]}, notes)

    facts = load(rule.needs, customer_id)

    assert notes.errors == []
    assert rule.is_met(facts)
    assert rule.explain(facts)["actual"] == ["loyal"]
    assert not rule.is_met(load(rule.needs, None))


def test_segments_that_nobody_knows_are_refused() -> None:
    notes = Notes()
    rules.parse({"fact": "customer.segment", "is": "equals", "value": "loyal"}, notes)

    assert notes.errors == [{"pointer": "/fact", "detail": "Segments are not known here yet."}]


def many(world: World, baskets: int) -> Sequence[Facts]:
    return [
        Facts(customer_id=world.customer(0), basket=Basket((line(),)), till=world.till, at=NOW, currency="USD")
        for _ in range(baskets)
    ]


def test_any_number_of_baskets_costs_one_statement_a_kind_each_by_an_index(world: World) -> None:
    facts = many(world, 3)
    assert facts[0].customer_id
    bought(world, world.customer(), NOW - timedelta(days=1))

    with transaction() as session:
        connection = Recorded(connection_of(session))
        rules.load_many(connection, [*EVERYTHING, BEER, TEA], facts)  # type: ignore[arg-type]
        connection_of(session).execute("SET LOCAL enable_seqscan = off")
        plans = [
            "\n".join(row[0] for row in connection_of(session).execute("EXPLAIN " + query, values))
            for query, values in connection.asked
        ]

    assert len(connection.asked) == 6  # segments are asked of nobody
    for plan in plans:
        assert "Seq Scan" not in plan, plan
        assert "Index Cond" in plan, plan


def test_nothing_is_read_where_nothing_is_asked(world: World) -> None:
    with transaction() as session:
        connection = Recorded(connection_of(session))
        rules.load_many(connection, [], many(world, 1))  # type: ignore[arg-type]
        rules.load_many(connection, EVERYTHING, [])  # type: ignore[arg-type]

    assert connection.asked == []


def test_days_are_the_brands() -> None:
    facts = Facts(basket=Basket((line(),)), at=datetime(2026, 5, 5, 3, 30, tzinfo=UTC), currency="USD")

    assert (facts.local.date().isoformat(), facts.local.hour) == ("2026-05-04", 23)  # New York is the default
