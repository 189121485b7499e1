"""A condition has one meaning: as closures over facts and as SQL over everybody it picks the same customers."""

import json
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core import db, ids
from core.db import Connection, connection_of
from insights.segments import load
from insights.segments.sql import Query
from insights.streams import Stream, catalogue
from tests.insights.log import NOON, a_customer
from tests.insights.segments.world import read_condition
from wallet.assets import brand_time_zone

CAMPAIGN = UUID("01890000-0000-7000-8000-000000000001")
ORDERS, SPENT = Stream("order.completed"), Stream("order.completed", field="total_minor")

NUMBERS = st.sampled_from(["equals", "not_equals", "at_least", "at_most", "more_than", "less_than"])
ORDER = st.sampled_from(["at_least", "at_most", "more_than", "less_than"])
SMALL = st.integers(0, 6)
DAYS = st.sampled_from([0, 1, 2, 5, 29, 30, 31, 60, 400])
SCALARS = st.sampled_from(["gold", "silver", "", 1, 0, 2.5, True, False])


def compared(**about: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda word, value: about | {"is": word, "value": value}, NUMBERS, SMALL)


def traits() -> st.SearchStrategy[dict[str, Any]]:
    name = st.sampled_from(["plan", "score", "tags", "missing"])
    scalar = SCALARS.filter(lambda value: value != "")
    return st.one_of(
        st.builds(lambda n: {"trait": n, "is": "present"}, name),
        st.builds(
            lambda n, w, v: {"trait": n, "is": w, "value": v}, name, st.sampled_from(["equals", "not_equals"]), scalar
        ),
        st.builds(
            lambda n, w, v: {"trait": n, "is": w, "value": v},
            name,
            st.sampled_from(["one_of", "none_of"]),
            st.lists(scalar, min_size=1, max_size=3),
        ),
        st.builds(lambda n, w, v: {"trait": n, "is": w, "value": v}, name, ORDER, st.sampled_from([0, 1, 2.5, 3])),
        st.builds(
            lambda n, v: {"trait": n, "is": "contains", "value": v}, name, st.sampled_from(["g", "gold", "old", "x"])
        ),
    )


def profiles() -> st.SearchStrategy[dict[str, Any]]:
    phases = st.sampled_from(["discovery", "consideration", "purchase", "retention"])
    return st.one_of(
        st.builds(lambda v: {"profile": "phase", "is": "equals", "value": v}, phases),
        st.builds(lambda v: {"profile": "phase", "is": "none_of", "value": v}, st.lists(phases, min_size=1)),
        st.builds(lambda v: {"profile": "first_touch.source", "is": "not_equals", "value": v}, st.just("google")),
        st.builds(lambda v: {"profile": "locale", "is": "one_of", "value": [v]}, st.sampled_from(["de", "en"])),
        compared(profile="orders"),
        st.builds(
            lambda w, v: {"profile": "revenue_minor", "currency": "USD", "is": w, "value": v},
            NUMBERS,
            st.sampled_from([0, 500, 1000]),
        ),
        st.builds(
            lambda p, w, v: {"profile": p, "is": w, "value": v},
            st.sampled_from(["first_seen_days", "last_seen_days"]),
            ORDER,
            DAYS,
        ),
    )


def events() -> st.SearchStrategy[dict[str, Any]]:
    name = st.sampled_from(["order.completed", "app.opened"])  # of the second nobody has any
    return st.one_of(
        st.builds(lambda n: {"event": n}, name),
        st.builds(
            lambda n, w, v, d: {"event": n, "is": w, "value": v, "within_days": d},
            name,
            NUMBERS,
            SMALL,
            st.sampled_from([1, 2, 30, 365]),
        ),
        compared(event="order.completed"),
        st.builds(
            lambda w, v, d: {"event": "order.completed", "sum": "total_minor", "is": w, "value": v} | d,
            NUMBERS,
            st.sampled_from([0, 10.5, 500, 1000]),
            st.sampled_from([{}, {"within_days": 30}]),
        ),
        st.builds(
            lambda n, which, w, d: {"event": n, which: w, "days": d},
            name,
            st.sampled_from(["first", "last"]),
            ORDER,
            DAYS,
        ),
    )


def value() -> st.SearchStrategy[dict[str, Any]]:
    campaign = st.sampled_from([{}, {"campaign_id": str(CAMPAIGN)}, {"campaign_id": str(UUID(int=9))}])
    return st.one_of(
        st.builds(lambda c: {"voucher": c, "holds": True}, campaign),
        st.builds(lambda c: {"voucher": c, "redeemed": True}, campaign),
        st.builds(lambda c, d: {"voucher": c, "expires_within_days": d}, campaign, st.sampled_from([0, 1, 3, 30])),
        st.builds(
            lambda p, w, v: {"wallet": p, "is": w, "value": v} | ({} if p == "points" else {"currency": "USD"}),
            st.sampled_from(["cash", "promotional", "points"]),
            NUMBERS,
            st.sampled_from([0, 500]),
        ),
    )


CONDITIONS = st.recursive(
    st.one_of(traits(), profiles(), events(), value()),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


@pytest.fixture
def people(database: None) -> list[UUID]:
    return _some_people()


def _some_people() -> list[UUID]:
    """Forty customers of whom all sorts of things are known, some nothing."""
    chance = random.Random(7)
    people = [a_customer(f"+1212555{1000 + place}") for place in range(40)]
    with db.transaction() as session:
        connection = connection_of(session)
        catalogue.ensure(connection, [ORDERS, SPENT], NOON)
        connection.execute("UPDATE insights.stream SET state = 'live', filled_slots = 64")
        streams = [id_ for id_, _ in catalogue.ids_of(connection, [ORDERS, SPENT]).values()]
        connection.execute(_CAMPAIGN, [CAMPAIGN, NOON, NOON + timedelta(days=400), NOON])
        for customer_id in people[1:]:
            _know(connection, customer_id, streams, chance)
    return people


def _know(connection: Connection, customer_id: UUID, streams: list[int], chance: random.Random) -> None:
    seen = NOON - timedelta(days=chance.choice([0, 1, 2, 29, 30, 31, 400]), hours=chance.randrange(24))
    connection.execute(
        _PROFILE, [customer_id, seen, seen, chance.choice([None, "google", "mail"]), chance.randrange(4)]
    )
    connection.execute("UPDATE auth.customer SET locale = %s WHERE id = %s", [chance.choice([None, "de"]), customer_id])
    for name, values in (
        ("plan", ["gold", "silver", None, True, 1, 2.5]),
        ("score", [0, 1, 2.5, 3, "1", None, False]),
        ("tags", [["gold", 1], ["old"], {"gold": 1}, [], "golden", None]),
    ):
        if chance.random() < 0.8:
            connection.execute(_TRAIT, [customer_id, name, json.dumps(chance.choice(values)), NOON])
    if chance.random() < 0.7:
        connection.execute(_REVENUE, [customer_id, chance.choice([0, 500, 1500]), chance.choice([0, 500])])
    for stream_id in streams if chance.random() < 0.8 else ():
        _count(connection, customer_id, stream_id, chance)
    for _ in range(chance.randrange(3)):
        ends = chance.choice([None, NOON, NOON - timedelta(days=1), NOON + timedelta(days=chance.choice([1, 3, 30]))])
        state = chance.choice(["active", "used_up", "blocked"])
        voucher_id = ids.new()
        connection.execute(
            _VOUCHER, [voucher_id, CAMPAIGN, customer_id, voucher_id.bytes, state, chance.randrange(2), ends, NOON]
        )
    for purpose, asset in (("cash", "USD"), ("promotional", "USD"), ("points", "PTS")):
        if chance.random() < 0.5:
            connection.execute("INSERT INTO wallet.asset VALUES (%s, 2) ON CONFLICT DO NOTHING", [asset])
            account_id = ids.new()
            connection.execute(_ACCOUNT, [account_id, f"customer:{customer_id}", purpose, asset])
            connection.execute(_BALANCE, [account_id, asset, chance.choice([0, 500, 900])])


def _count(connection: Connection, customer_id: UUID, stream_id: int, chance: random.Random) -> None:
    zone = ZoneInfo(brand_time_zone())
    days = sorted({chance.choice([0, 1, 2, 28, 29, 30, 31, 364, 365]) for _ in range(3)}, reverse=True)
    rows = [
        (NOON - timedelta(days=day), chance.randrange(1, 4), Decimal(chance.choice(["10.5", "500", "0"])))
        for day in days
    ]
    for at, count, total in rows:
        connection.execute(_DAY, [stream_id, at.astimezone(zone).date(), customer_id, count, total])
    counts = sum(row[1] for row in rows), sum(row[2] for row in rows)
    connection.execute(_EVER, [customer_id, stream_id, rows[0][0], rows[-1][0], *counts])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=CONDITIONS)
@example(raw={"not": {"trait": "plan", "is": "not_equals", "value": "gold"}})
@example(raw={"trait": "plan", "is": "equals", "value": 1})
@example(raw={"not": {"event": "app.opened", "last": "more_than", "days": 0}})
def test_closures_and_sql_pick_the_same_customers(people: list[UUID], raw: dict[str, Any]) -> None:
    condition = read_condition(raw)
    with db.transaction() as session:
        connection = connection_of(session)
        facts = load(connection, condition.needs, people, NOON)
        known = {stream: id_ for stream, (id_, _) in catalogue.ids_of(connection, condition.streams).items()}
        zone = ZoneInfo(brand_time_zone())
        query = Query(known, zone.key, NOON.astimezone(zone).date())
        statement = query.find(condition.sql(query))
        by_sql = {row[0] for row in connection.execute(statement.encode(), query.values)}
        counted = connection.execute(query.count(condition.sql(query)).encode(), query.values).fetchone()

    by_closure = {each.customer_id for each in facts.values() if each.profile and condition.holds(each)}
    assert by_closure == by_sql
    assert counted == (len(by_sql), len(people) - 1)
    for each in facts.values():
        told = condition.explain(each)
        assert told["is_met"] is condition.holds(each)
        json.dumps(told)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=CONDITIONS, days=st.integers(1, 400))
def test_nothing_changes_before_the_day_on_which_it_may(people: list[UUID], raw: dict[str, Any], days: int) -> None:
    """Should nothing happen, the answer stays the same until the day that was told."""
    condition = read_condition(raw)
    later = NOON + timedelta(days=days)
    with db.transaction() as session:
        connection = connection_of(session)
        now = load(connection, condition.needs, people, NOON)
        then = load(connection, condition.needs, people, later)

    for customer_id, facts in now.items():
        turns = condition.turns_on(facts)
        assert turns is None or turns > facts.today
        if turns is None or then[customer_id].today < turns:
            assert condition.holds(facts) is condition.holds(then[customer_id])


_CAMPAIGN = """
    INSERT INTO rewards.campaign (id, name, kind, discount, currency, is_scoped, min_spend_minor, state, starts_at,
           ends_at, created_by, created_at)
    VALUES (%s, 'c', 'coupon', '{}', 'USD', false, 0, 'running', %s, %s, 'test', %s)
"""
_PROFILE = """
    INSERT INTO insights.profile (customer_id, first_seen_at, last_seen_at, touch_source, orders)
    VALUES (%s, %s, %s, %s, %s)
"""
_TRAIT = "INSERT INTO insights.trait (customer_id, name, value, at) VALUES (%s, %s, %s, %s)"
_REVENUE = "INSERT INTO insights.revenue VALUES (%s, 'USD', %s, %s)"
_DAY = "INSERT INTO insights.activity_day (stream_id, day, customer_id, count, total) VALUES (%s, %s, %s, %s, %s)"
_EVER = """
    INSERT INTO insights.activity (customer_id, stream_id, first_at, last_at, count, total)
    VALUES (%s, %s, %s, %s, %s, %s)
"""
_VOUCHER = """
    INSERT INTO rewards.voucher (id, campaign_id, customer_id, code_index, code_ciphertext, last4, state, used,
           expires_at, issued_at) VALUES (%s, %s, %s, %s, '', '', %s, %s, %s, %s)
"""
_ACCOUNT = "INSERT INTO wallet.account (id, owner, purpose, asset, floor, hot) VALUES (%s, %s, %s, %s, 0, false)"
_BALANCE = (
    "INSERT INTO wallet.balance (account_id, asset, status, hot, floor, posted) VALUES (%s, %s, 'open', false, 0, %s)"
)
