"""One view of each customer, whatever the order in which its events come in."""

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from core import db, ids
from core.errors import NotFound
from core.events import readers
from insights import profiles
from insights.profiles import Revenue
from insights.reactions import READERS
from tests.insights.log import (
    NOON,
    a_customer,
    at,
    campaign,
    identify,
    order,
    play,
    profile,
    read,
    refund,
    sources,
    track,
    write,
)

pytestmark = pytest.mark.usefixtures("database")


def test_customer_whom_the_reader_has_not_come_to_is_in_discovery() -> None:
    found = profile(a_customer())

    assert (found.phase, found.orders, found.first_touch, found.revenue) == ("discovery", 0, None, [])


def test_stranger_has_no_profile() -> None:
    with db.transaction() as session, pytest.raises(NotFound):
        profiles.of(session, ids.new())


def test_orders_and_revenue_net_of_refunds_are_counted_by_currency() -> None:
    customer_id = a_customer()

    play(order(customer_id, total_minor=1_000, minutes=1), order(customer_id, total_minor=0, minutes=2))
    play(refund(customer_id, amount_minor=300), order(customer_id, total_minor=50, currency="GBP", minutes=3))

    found = profile(customer_id)
    assert (found.orders, found.first_order_at, found.last_order_at) == (3, at(1), at(3))
    assert found.revenue == [Revenue("GBP", 50, 0), Revenue("USD", 1_000, 300)]
    assert found.revenue[1].net_minor == 700


@pytest.mark.parametrize(
    ("events", "phase"),
    [(["Tried"], "discovery"), (["Product Viewed"], "consideration"), (["Product Added", "Tried"], "consideration")],
)
def test_phase_before_the_first_order(events: list[str], phase: str) -> None:
    customer_id = a_customer()

    play(*[track(customer_id, event=event) for event in events])

    assert profile(customer_id).phase == phase


def test_first_order_is_purchase_and_the_second_retention() -> None:
    customer_id = a_customer()

    play(order(customer_id))
    assert profile(customer_id).phase == "purchase"

    play(order(customer_id, minutes=1), track(customer_id, event="Product Viewed"))
    assert profile(customer_id).phase == "retention"


def test_first_touch_is_the_earliest_that_names_its_source_in_whatever_order_events_come_in() -> None:
    touches = [
        (0, {}),
        (1, campaign("newsletter")),
        (2, campaign("billboard")),
        (1, {"page": {"referrer": "https://search.example/?q=x", "url": "https://shop.example/"}}),
    ]
    found = []
    for number, turn in enumerate(permutations(touches)):
        customer_id = a_customer(f"+1212555{100 + number:04d}")
        write(*[track(customer_id, minutes=minutes, context=context) for minutes, context in turn[:2]])
        read()
        write(*[track(customer_id, minutes=minutes, context=context) for minutes, context in turn[2:]])
        read()
        found.append(profile(customer_id))

    # Two touches share an instant: the one that was logged first stays.
    assert {item.first_touch.at for item in found if item.first_touch} == {at(1)}
    assert set(sources(found)) == {"newsletter", "search.example"}
    assert all(item.first_seen_at == at(-60) and item.last_seen_at == at(2) for item in found)


def test_first_touch_of_the_year_stays_when_later_ones_come() -> None:
    customer_id = a_customer()

    play(track(customer_id, context=campaign("newsletter"), minutes=1))
    play(*[track(customer_id, context=campaign(f"later-{n}"), minutes=1 + n) for n in range(1, 9)])

    assert sources([profile(customer_id)]) == ["newsletter"]


@pytest.mark.parametrize(
    "context",
    [
        {"campaign": "newsletter"},
        {"campaign": {"source": 7}},
        {"campaign": {"source": " "}},
        {"page": {"referrer": "https://[broken", "url": 5}},
        {"page": {"referrer": "https://shop.example/a", "url": "https://shop.example/b"}},
        {"referrer": ["https://search.example"]},
    ],
)
def test_context_that_names_no_source_is_no_touch(context: dict[str, Any]) -> None:
    customer_id = a_customer()

    play(track(customer_id, context=context))

    assert profile(customer_id).first_touch is None


@pytest.mark.parametrize("link_comes", [0, 1, 2])
def test_what_an_anonymous_subject_did_becomes_the_customers_whenever_they_are_linked(link_comes: int) -> None:
    customer_id = a_customer()
    steps = [
        track(subject_id="anonymous:1", context=campaign("newsletter"), minutes=-90),
        track(subject_id="anonymous:1", event="Product Viewed", minutes=-80),
    ]
    steps.insert(link_comes, identify(customer_id, subject_id="anonymous:1", minutes=5))

    for step in steps:
        play(step)

    found = profile(customer_id)
    assert sources([found]) == ["newsletter"]
    assert (found.phase, found.first_seen_at, found.last_seen_at) == ("consideration", at(-90), at(5))


def test_subject_stays_the_customers_to_whom_it_was_linked_first() -> None:
    first, second = a_customer(), a_customer("+12125550143")

    play(identify(first, subject_id="anonymous:tablet"))
    play(identify(second, subject_id="anonymous:tablet"))
    play(track(subject_id="anonymous:tablet", event="Product Viewed"))

    assert (profile(first).phase, profile(second).phase) == ("consideration", "discovery")


def test_latest_value_of_a_trait_stays_even_when_an_older_one_comes_late() -> None:
    customer_id = a_customer()

    play(identify(customer_id, traits={"plan": "gold", "visits": 3}, minutes=2))
    play(identify(customer_id, traits={"plan": "silver", "city": {"size": "large"}}, minutes=1))
    play(
        identify(customer_id, traits={"visits": None}, minutes=3),
        identify(customer_id, traits={"visits": 2}, minutes=2),
    )

    assert profile(customer_id).traits == {"plan": "gold", "city": {"size": "large"}, "visits": None}


def test_workers_that_share_the_log_count_each_order_once() -> None:
    people = [a_customer(f"+1212555{100 + n:04d}") for n in range(20)]
    shared = [track(subject_id=f"anonymous:{n % 10}", event="Product Viewed", minutes=n) for n in range(40)]
    links = [identify(person, subject_id=f"anonymous:{n % 10}") for n, person in enumerate(people)]
    for turn in range(5):
        write(*shared[turn::5], *links[turn::5], *[order(person, minutes=turn) for person in people])
    readers.register(READERS)

    def work(_: int) -> None:
        while any(readers.run_batch(reader, now=NOON) for reader in READERS):
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    read()

    assert {(item.orders, item.revenue[0].net_minor) for item in map(profile, people)} == {(5, 5_000)}
    assert _linked() == 10
    assert _owners() == {f"anonymous:{n}": people[n] for n in range(10)}  # who claimed it first, not who was read first
    assert parked() == []


def _owners() -> dict[str, UUID]:
    with db.transaction() as session:
        rows = db.connection_of(session).execute("SELECT subject_id, customer_id FROM insights.subject").fetchall()
        return dict(rows)


def _linked() -> int:
    with db.transaction() as session:
        row = (
            db.connection_of(session)
            .execute(
                """SELECT count(*) FROM insights.subject s JOIN insights.profile p USING (customer_id)
                WHERE p.considered_at <= s.considered_at"""
            )
            .fetchone()
        )
        return int(row[0]) if row else 0


def parked() -> list[UUID]:
    with db.transaction() as session:
        return [row[0] for row in db.connection_of(session).execute("SELECT event_id FROM core.reader_parked")]
