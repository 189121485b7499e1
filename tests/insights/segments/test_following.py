"""Segments follow the log: customers enter and leave by events, and by nothing else before the next midnight."""

from uuid import UUID

import pytest

from auth import customers
from auth.events import DeviceRegistered
from core import db, ids
from core.db import connection_of
from core.events import Event, announce_all
from core.events.announce import MAX_DEPTH
from insights.profiles import rebuilding
from insights.profiles.events import TraitSet
from insights.segments import membership, saved
from tests.insights.log import NOON, a_customer, at, identify, order, play, refund, track
from tests.insights.segments.world import STAFF, a_segment, segment_row, segments_of, told

TWICE = {"event": "order.completed", "is": "at_least", "value": 2, "within_days": 30}


def viewed(subject_id: str, *, minutes: int = 0) -> Event:
    """A product that a visitor looked at, who is not signed in."""
    return track(event="Product Viewed", subject_id=subject_id, minutes=minutes)


@pytest.mark.usefixtures("database")
def test_segments_follow_events_without_a_rebuild() -> None:
    a_segment("twice", TWICE)
    customer_id = a_customer()

    play(order(customer_id))
    before = segments_of(customer_id)
    play(order(customer_id, minutes=1))

    assert (before, segments_of(customer_id)) == (set(), {"twice"})
    assert told() == [("segment.entered", customer_id, "twice", False)]


@pytest.mark.usefixtures("database")
def test_entering_is_caused_by_the_event_that_brought_them_in() -> None:
    a_segment("twice", TWICE)
    customer_id = a_customer()
    play(order(customer_id), order(customer_id, minutes=1))

    with db.transaction() as session:
        row = connection_of(session).execute(
            "SELECT e.depth, e.occurred_at, c.name, c.occurred_at"
            " FROM core.event e JOIN core.event c ON c.id = e.caused_by WHERE e.name = 'segment.entered'"
        )
        assert row.fetchall() == [(1, NOON, "order.completed", at(1))]


@pytest.mark.usefixtures("database")
def test_an_event_takes_out_whom_what_they_had_not_done_brought_in() -> None:
    a_segment("no_orders", {"not": {"event": "order.completed"}})
    customer_id = a_customer()

    play()
    newcomer = segments_of(customer_id)
    play(order(customer_id))

    assert (newcomer, segments_of(customer_id)) == ({"no_orders"}, set())
    assert [each[0] for each in told()] == ["segment.entered", "segment.left"]


@pytest.mark.usefixtures("database")
def test_an_event_that_changes_nothing_writes_nothing() -> None:
    a_segment("twice", TWICE)
    a_segment("gold", {"trait": "plan", "is": "equals", "value": "gold"})
    customer_id = a_customer()

    play(
        order(customer_id, minutes=-60 * 24 * 40), track(customer_id), identify(customer_id, traits={"plan": "silver"})
    )

    with db.transaction() as session:
        rows = connection_of(session).execute("SELECT count(*) FROM insights.membership").fetchone()
        assert rows == (0,)


@pytest.mark.usefixtures("database")
def test_traits_bring_in_and_take_out() -> None:
    a_segment("gold", {"trait": "plan", "is": "equals", "value": "gold"})
    customer_id = a_customer()

    play(identify(customer_id, traits={"plan": "gold"}))
    first = segments_of(customer_id)
    play(TraitSet(customer_id=customer_id, occurred_at=at(1), trait="plan", value="silver"))
    second = segments_of(customer_id)
    play(identify(customer_id, traits={"plan": "gold"}, minutes=-5))  # late: it was gold before it was silver

    assert (first, second, segments_of(customer_id)) == ({"gold"}, set(), set())


@pytest.mark.usefixtures("database")
def test_a_language_that_is_changed_brings_in_and_takes_out() -> None:
    a_segment("spanish", {"profile": "locale", "is": "equals", "value": "es"})
    customer_id = a_customer()
    play()
    found = []

    for locale in ("es", "en"):
        with db.transaction() as session:
            customers.change(session, customer_id, changes={"locale": locale}, now=NOON)
        play()
        found.append(segments_of(customer_id))

    assert found == [{"spanish"}, set()]


@pytest.mark.usefixtures("database")
def test_what_a_linked_visitor_does_brings_the_customer_in() -> None:
    """The visitor's events stand in another slot than the customer's, whose own tells of it."""
    a_segment("looking", {"profile": "phase", "is": "equals", "value": "consideration"})
    customer_id, stranger = a_customer(), a_customer("+12125550143")
    play(identify(customer_id, subject_id="anonymous:linked"), track(stranger))
    before = segments_of(customer_id)

    play(viewed("anonymous:linked"), viewed("anonymous:nobody's"))
    play(viewed("anonymous:linked", minutes=1))

    assert (before, segments_of(customer_id), segments_of(stranger)) == (set(), {"looking"}, set())
    assert told() == [("segment.entered", customer_id, "looking", False)]


@pytest.mark.usefixtures("database")
def test_a_device_that_is_found_to_be_theirs_brings_in_whoever_looked_with_it() -> None:
    a_segment("looking", {"profile": "phase", "is": "equals", "value": "consideration"})
    customer_id = a_customer()
    play(track(customer_id), viewed("anonymous:device"))

    play(
        DeviceRegistered(
            customer_id=customer_id,
            subject_id="anonymous:device",
            occurred_at=at(1),
            device_id=ids.new(),
            platform="ios",
            can_push=False,
        )
    )

    assert segments_of(customer_id) == {"looking"}


@pytest.mark.usefixtures("database")
def test_nothing_is_told_of_visitors_where_no_segment_goes_by_profiles() -> None:
    a_segment("twice", TWICE)
    customer_id = a_customer()

    play(identify(customer_id, subject_id="anonymous:linked"), viewed("anonymous:linked", minutes=1))

    assert told("profile.%") == []


@pytest.mark.usefixtures("database")
def test_revenue_falls_by_refunds() -> None:
    a_segment("big", {"profile": "revenue_minor", "currency": "USD", "is": "at_least", "value": 1_000})
    customer_id = a_customer()

    play(order(customer_id, total_minor=1_000))
    bought = segments_of(customer_id)
    play(refund(customer_id, amount_minor=1, minutes=1))

    assert (bought, segments_of(customer_id)) == ({"big"}, set())


@pytest.mark.usefixtures("database")
def test_late_events_count_on_their_own_day() -> None:
    a_segment("twice", TWICE)
    in_window, too_old = a_customer(), a_customer("+12125550143")
    days = 60 * 24

    play(order(in_window, minutes=-29 * days), order(in_window, minutes=-3 * days))
    play(order(too_old, minutes=-30 * days), order(too_old, minutes=-3 * days))

    assert (segments_of(in_window), segments_of(too_old)) == ({"twice"}, set())


@pytest.mark.usefixtures("database")
def test_conditions_on_payloads_and_sums_are_counted_as_events_come() -> None:
    where = {"field": "total_minor", "is": "at_least", "value": 500}
    a_segment("big_orders", {"event": "order.completed", "where": where, "is": "at_least", "value": 2})
    a_segment("spent", {"event": "order.completed", "sum": "total_minor", "is": "more_than", "value": 1_400})
    a_segment("tried", {"event": "outside.track", "named": "Tried"})
    customer_id = a_customer()

    play(order(customer_id, total_minor=500), order(customer_id, total_minor=499))
    one = segments_of(customer_id)
    play(order(customer_id, total_minor=501), track(customer_id))

    assert (one, segments_of(customer_id)) == (set(), {"big_orders", "spent", "tried"})


@pytest.mark.usefixtures("database")
def test_sandbox_customers_are_in_no_segment() -> None:
    a_segment("everybody", {"not": {"event": "order.completed", "is": "at_least", "value": 99}})
    with db.transaction() as session:
        nobody = customers.add_sandbox(session, now=NOON)

    play(track(nobody))

    assert segments_of(nobody) == set()


@pytest.mark.usefixtures("database")
def test_a_chain_that_goes_in_a_ring_is_kept_but_no_longer_announced() -> None:
    a_segment("twice", TWICE)
    customer_id = a_customer()
    deep = order(customer_id)
    last = type(deep)(**{**deep.__dict__, "depth": MAX_DEPTH, "order_id": ids.new()})

    play(deep, last)

    assert (segments_of(customer_id), told()) == ({"twice"}, [])


@pytest.mark.usefixtures("database")
def test_named_segments_follow_what_they_name() -> None:
    a_segment("twice", TWICE)
    a_segment("gold_twice", {"all": [{"segment": "twice"}, {"trait": "plan", "is": "equals", "value": "gold"}]})
    customer_id = a_customer()

    play(identify(customer_id, traits={"plan": "gold"}), order(customer_id))
    before = segments_of(customer_id)
    play(order(customer_id, minutes=1))

    assert (before, segments_of(customer_id)) == (set(), {"twice", "gold_twice"})


@pytest.mark.usefixtures("database")
def test_what_the_wallet_and_vouchers_hold_is_seen_at_the_next_event() -> None:
    a_segment("rich", {"wallet": "cash", "currency": "USD", "is": "at_least", "value": 500})
    customer_id = a_customer()
    play(track(customer_id))
    _hold(customer_id, 500)

    before = segments_of(customer_id)
    play(track(customer_id, minutes=1))

    assert (before, segments_of(customer_id)) == (set(), {"rich"})


@pytest.mark.usefixtures("database")
def test_an_archived_segment_is_followed_no_longer() -> None:
    segment_id = a_segment("twice", TWICE)
    customer_id = a_customer()
    play(order(customer_id), order(customer_id, minutes=1))

    with db.transaction() as session:
        saved.archive(session, segment_id, actor=STAFF, now=NOON)
    play(order(customer_id, minutes=2))

    assert segments_of(customer_id) == set()
    assert [each[0] for each in told()] == ["segment.entered"]


@pytest.mark.usefixtures("database")
def test_a_new_segment_counts_what_was_done_before_it() -> None:
    where = {"field": "total_minor", "is": "at_least", "value": 500}
    customer_id, other = a_customer(), a_customer("+12125550143")
    play(order(customer_id, total_minor=500), order(other, total_minor=100))

    segment_id = a_segment("big_orders", {"event": "order.completed", "where": where})

    assert (segments_of(customer_id), segments_of(other)) == ({"big_orders"}, set())
    assert told() == [("segment.entered", customer_id, "big_orders", True)]
    assert (segment_row(segment_id).status, segment_row(segment_id).members) == ("live", 1)


@pytest.mark.usefixtures("database")
def test_events_on_their_way_while_it_is_built_are_not_lost() -> None:
    customer_id = a_customer()
    play(order(customer_id))
    with db.transaction() as session:
        announce_all(session, [order(customer_id, minutes=1)])  # logged, but not read yet

    a_segment("twice", TWICE)
    built = segments_of(customer_id)
    play()

    assert (built, segments_of(customer_id)) == (set(), {"twice"})
    assert told() == [("segment.entered", customer_id, "twice", False)]


@pytest.mark.usefixtures("database")
def test_members_are_told_page_by_page_in_each_slot() -> None:
    segment_id = a_segment("there", {"profile": "orders", "is": "at_least", "value": 1})
    people = [a_customer(f"+1212555{1000 + place}") for place in range(9)]
    play(*[order(customer_id) for customer_id in people])

    with db.transaction() as session:
        connection = connection_of(session)
        found: list[UUID] = []
        for slot in range(64):
            after = None
            while page := membership.page(connection, segment_id, slot, after, 2):
                found += page
                after = page[-1]

    assert sorted(found) == sorted(people)


def _hold(customer_id: UUID, amount_minor: int) -> None:
    account_id = ids.new()
    with db.transaction() as session:
        connection = connection_of(session)
        connection.execute("INSERT INTO wallet.asset VALUES ('USD', 2) ON CONFLICT DO NOTHING")
        connection.execute(
            "INSERT INTO wallet.account (id, owner, purpose, asset, floor, hot)"
            " VALUES (%s, %s, 'cash', 'USD', 0, false)",
            [account_id, f"customer:{customer_id}"],
        )
        connection.execute(
            "INSERT INTO wallet.balance (account_id, asset, status, hot, floor, posted)"
            " VALUES (%s, 'USD', 'open', false, 0, %s)",
            [account_id, amount_minor],
        )


@pytest.mark.usefixtures("database")
def test_whose_profile_is_told_again_from_the_log_is_judged_again() -> None:
    a_segment("bought", {"profile": "orders", "is": "at_least", "value": 1})
    customer_id = a_customer()
    play(order(customer_id))
    with db.transaction() as session:  # as if an order of somebody else's had been counted as theirs
        connection = connection_of(session)
        connection.execute("DELETE FROM insights.membership")
        connection.execute(
            "INSERT INTO insights.rebuild (id, state, due_at, asked_at) VALUES (%s, 'waiting', %s, %s)",
            [customer_id, NOON, NOON],
        )

    rebuilding.rebuild_due(NOON)

    assert segments_of(customer_id) == {"bought"}
    assert told()[-1] == ("segment.entered", customer_id, "bought", True)
