"""Segments: a first count over a million profiles and ten million events, and what one event costs with fifty segments.

The count is measured beside the same question as hand-written SQL over the log. Filling the streams is outside of the
clock: it happens as events come.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import connect.events  # noqa: F401 - so that conditions know the events from outside
from bench.database import fresh
from bench.figures import Figure
from bench.turns import connected, settle
from core import ids
from core.db import Connection, connection_of, transaction
from core.events import announce_all, readers
from core.notes import Notes
from insights.reactions import READERS
from insights.segments import building, parse, previewing, saved
from insights.streams import Stream, catalogue, filling
from rewards.events import OrderCompleted

PEOPLE = int(os.environ.get("BENCH_PEOPLE") or 1_000_000)
EVENTS = int(os.environ.get("BENCH_EVENTS") or 10_000_000)
SEGMENTS, SINGLE, DRAINED = 50, 300, 20_000

ON_THE_LOG = "the same question as hand-written SQL over the log"
NO_SEGMENTS = "the same reader with no segment"

LATELY = {"event": "order.completed", "is": "at_least", "value": 3, "within_days": 30}
WITH_SUM = {
    "all": [
        LATELY,
        {"trait": "plan", "is": "equals", "value": "gold"},
        {"profile": "orders", "is": "at_least", "value": 2},
    ]
}


def measure() -> list[Figure]:
    now = datetime.now(UTC)
    with fresh() as settings:
        url = settings.database_url
        readers.register(READERS)
        people = _some_people(url, min(PEOPLE, 2_000))
        plain_ms, plain_rate = _events(people, now)
        _segments(now)
        event_ms, rate = _events(people, now)
        with connected(url) as connection:
            _fill(connection, now)
            settle(url)
            on_log = median(_timed(connection, _BY_HAND, [now - timedelta(days=30)]) for _ in range(3))
        counts = [_count(raw, now) for raw in (LATELY, LATELY, LATELY, WITH_SUM)]
    return [
        Figure(
            "engage.segment_s", median(counts[:3]), "s", ON_THE_LOG, on_log, {"ours": {"three_conditions_s": counts[3]}}
        ),
        Figure(
            "engage.segment_event_ms",
            median(event_ms),
            "ms",
            NO_SEGMENTS,
            median(plain_ms),
            {"ours": {"p99_ms": quantiles(event_ms, n=100)[98]}, "theirs": {"p99_ms": quantiles(plain_ms, n=100)[98]}},
        ),
        Figure("engage.segment_drain", rate, "events/s", NO_SEGMENTS, plain_rate),
    ]


def _some_people(url: str, number: int) -> list[Any]:
    people = [ids.new() for _ in range(number)]
    with connected(url) as connection:
        connection.execute(_PROFILES_OF, [people])
    return people


def _segments(now: datetime) -> None:
    """Fifty, of the kinds that marketers write."""
    for place in range(SEGMENTS):
        where = {"field": "total_minor", "is": "at_least", "value": 100 * place}
        condition: dict[str, Any] = [
            {**LATELY, "value": 1 + place % 7, "within_days": 7 + place},
            {"event": "order.completed", "last": "more_than", "days": 1 + place},
            {"event": "order.completed", "where": where} if place < 15 else {"not": {"event": "order.completed"}},
            {"all": [{"trait": "plan", "is": "equals", "value": "gold"}, {**LATELY, "value": place}]},
            {"profile": "orders", "is": "at_least", "value": place},
        ][place % 5]
        with transaction() as session:
            saved.create(session, key=f"s{place}", name="s", condition=condition, actor="bench", now=now)
    while filling.fill_due(now) or building.build_due(now):
        pass


def _events(people: list[Any], now: datetime) -> tuple[list[float], float]:
    """How long the reader takes for one event, from reading it to its commit; and how many a second it drains."""
    single = []
    for event in _orders(people, SINGLE, now):
        with transaction() as session:
            announce_all(session, [event])
        begun = perf_counter()
        while not readers.run_batch(READERS[0], now=now):
            pass
        single.append((perf_counter() - begun) * 1000)
    for chunk in range(0, DRAINED, 1_000):
        with transaction() as session:
            announce_all(session, list(_orders(people[chunk % len(people) :], 1_000, now)))
    begun, read = perf_counter(), 0
    while taken := readers.run_batch(READERS[0], now=now):
        read += taken
    return single, read / (perf_counter() - begun)


def _orders(people: list[Any], number: int, now: datetime) -> Iterator[OrderCompleted]:
    for place in range(number):
        yield OrderCompleted(
            customer_id=people[place % len(people)],
            occurred_at=now,
            order_id=ids.new(),
            checkout_id=ids.new(),
            merchant_id=ids.new(),
            store_id=ids.new(),
            total_minor=place % 2_000,
            discount_minor=0,
            gift_minor=0,
            paid_minor=place % 2_000,
            currency="USD",
            lines=(),
        )


def _fill(connection: Connection, now: datetime) -> None:
    """The people and the log of a year, and what its readers would have kept of it."""
    connection.execute("TRUNCATE insights.activity, insights.activity_day, insights.membership, insights.profile")
    connection.execute(_PROFILES, [now, now, PEOPLE])
    connection.execute(_TRAITS, [now])
    connection.execute(_LOG, {"now": now, "people": PEOPLE, "events": EVENTS})
    stream = Stream("order.completed")
    catalogue.ensure(connection, [stream], now)
    id_ = catalogue.ids_of(connection, [stream])[stream][0]
    connection.execute(_DAYS, [id_])
    connection.execute(_EVER)
    connection.execute("UPDATE insights.stream SET state = 'live', filled_slots = 64")


def _count(raw: dict[str, Any], now: datetime) -> float:
    begun = perf_counter()
    with transaction() as session:
        counted = previewing.count(session, parse(raw, Notes()), now)
        assert counted.is_exact and counted.customers == PEOPLE and connection_of(session)
    return perf_counter() - begun


def _timed(connection: Connection, statement: bytes, values: list[Any]) -> float:
    begun = perf_counter()
    connection.execute(statement, values).fetchall()
    return perf_counter() - begun


_PROFILES_OF = """
    INSERT INTO insights.profile (customer_id, first_seen_at, last_seen_at)
    SELECT id, now(), now() FROM unnest(%s::uuid[]) AS id
"""

_PROFILES = """
    INSERT INTO insights.profile (customer_id, first_seen_at, last_seen_at, orders)
    SELECT md5('p' || n)::uuid, %s, %s, n %% 12 FROM generate_series(1, %s) AS n
"""

_TRAITS = """
    INSERT INTO insights.trait (customer_id, name, value, at)
    SELECT customer_id, 'plan', CASE WHEN orders %% 3 = 0 THEN '"gold"'::jsonb ELSE '"blue"'::jsonb END, %s
      FROM insights.profile
"""

# One event in three is an order; a few customers order often, most seldom.
_LOG = """
    INSERT INTO core.event (id, name, customer_id, occurred_at, source, depth, payload)
    SELECT core.uuidv7(), CASE WHEN n %% 3 = 0 THEN 'order.completed' ELSE 'app.opened' END,
           md5('p' || 1 + floor(%(people)s * power(random(), 2))::int)::uuid,
           %(now)s::timestamptz - random() * interval '365 days', 'bench', 0,
           jsonb_build_object('total_minor', n %% 5000, 'currency', 'USD')
      FROM generate_series(1, %(events)s) AS n
"""

_DAYS = """
    INSERT INTO insights.activity_day (stream_id, day, customer_id, count, total)
    SELECT %s, (occurred_at AT TIME ZONE 'America/New_York')::date, customer_id, count(*), 0
      FROM core.event WHERE name = 'order.completed' AND source = 'bench' GROUP BY 2, 3
"""

_EVER = """
    INSERT INTO insights.activity (customer_id, stream_id, first_at, last_at, count, total)
    SELECT customer_id, stream_id, min(day)::timestamptz, max(day)::timestamptz, sum(count), 0
      FROM insights.activity_day GROUP BY 1, 2
"""

_BY_HAND = b"""
    SELECT count(*) FROM (
        SELECT customer_id FROM core.event WHERE name = 'order.completed' AND occurred_at >= %s
         GROUP BY customer_id HAVING count(*) >= 3) AS found
"""
