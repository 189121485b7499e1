"""Time alone brings customers in and takes them out, at the brand's midnight and at no other moment."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core import db
from core.db import connection_of
from core.events import offsets
from core.events.log import slot_of
from core.settings import Settings
from insights.segments import midnight
from tests.insights.log import NOON, a_customer, order, play, read, write
from tests.insights.segments.world import a_segment, changed_segment, midnight_of, saved_segment, segments_of, told
from wallet import assets

#: NOON is 7 in the morning in New York, whose midnight is at 5 UTC in winter and at 4 in summer.
MIDNIGHT = datetime(2026, 11, 21, 5, tzinfo=UTC)
RECENT = {"event": "order.completed", "within_days": 30}
AWAY = {"event": "order.completed", "last": "more_than", "days": 30}
SECOND = timedelta(seconds=1)


@pytest.fixture
def berlin(database: None, settings: Settings) -> Iterator[None]:
    assets.load(replace(settings, brand_time_zone="Europe/Berlin"))
    yield
    assets.load(settings)


@pytest.mark.usefixtures("database")
def test_nobody_leaves_a_second_before_midnight() -> None:
    a_segment("recent", RECENT)
    customer_id = a_customer()
    play(order(customer_id))
    last_moment = MIDNIGHT + timedelta(days=29) - SECOND  # the window is today and the 29 days before

    before = (midnight_of(last_moment), segments_of(customer_id))
    after = (midnight_of(last_moment + SECOND), segments_of(customer_id))

    assert (before, after) == ((0, {"recent"}), (1, set()))
    assert told() == [("segment.entered", customer_id, "recent", False), ("segment.left", customer_id, "recent", False)]


@pytest.mark.usefixtures("database")
def test_time_alone_brings_in() -> None:
    a_segment("away", AWAY)
    customer_id = a_customer()
    play(order(customer_id))
    thirty_days_old = MIDNIGHT + timedelta(days=29)

    early = (midnight_of(thirty_days_old), segments_of(customer_id))
    on_time = (midnight_of(thirty_days_old + timedelta(days=1)), segments_of(customer_id))

    assert (early, on_time) == ((0, set()), (1, {"away"}))


@pytest.mark.usefixtures("database")
def test_an_order_meanwhile_keeps_out_whom_the_day_would_have_brought_in() -> None:
    """They are looked at for nothing on that day, which is cheaper than putting it off with each order."""
    a_segment("away", AWAY)
    customer_id = a_customer()
    play(order(customer_id))

    play(order(customer_id, minutes=60 * 24 * 10))
    looked_at = midnight_of(MIDNIGHT + timedelta(days=30))

    assert (looked_at, segments_of(customer_id)) == (1, set())
    assert midnight_of(MIDNIGHT + timedelta(days=39)) == 0
    assert midnight_of(MIDNIGHT + timedelta(days=40)) == 1
    assert segments_of(customer_id) == {"away"}


@pytest.mark.parametrize(
    ("ordered", "leaves"),
    [
        # The night to the summer: 29 March 2026 has 23 hours in Berlin. Two days' window.
        (datetime(2026, 3, 28, 22, 59, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), datetime(2026, 3, 30, 22, tzinfo=UTC)),
        # The night to the winter: 25 October 2026 has 25.
        (datetime(2026, 10, 24, 21, 59, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), datetime(2026, 10, 26, 23, tzinfo=UTC)),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_days_are_the_brands_own_also_when_clocks_change(ordered: datetime, leaves: datetime) -> None:
    a_segment("recent", {"event": "order.completed", "within_days": 2})
    customer_id = a_customer()
    write(order(customer_id, minutes=int((ordered - NOON).total_seconds() // 60)))
    read(now=ordered)

    assert (midnight_of(leaves - SECOND), segments_of(customer_id)) == (0, {"recent"})
    assert (midnight_of(leaves), segments_of(customer_id)) == (1, set())


@pytest.mark.usefixtures("database")
def test_a_slot_whose_batch_is_under_way_is_left_alone() -> None:
    a_segment("recent", RECENT)
    customer_id = a_customer()
    play(order(customer_id))
    late = MIDNIGHT + timedelta(days=60)

    with db.transaction() as session:
        offsets.lock_slot(connection_of(session), "insights.profiles", slot_of(customer_id))
        assert midnight.recheck_due(late) == 0

    assert midnight.recheck_due(late) == 1


@pytest.mark.usefixtures("database")
def test_rows_of_a_segment_that_is_built_for_the_first_time_wait_for_nothing() -> None:
    """Nor are those of an archived one looked at for ever."""
    segment_id = a_segment("recent", RECENT)
    customer_id = a_customer()
    play(order(customer_id))
    with db.transaction() as session:
        connection_of(session).execute("UPDATE insights.segment SET status = 'archived' WHERE id = %s", [segment_id])
        connection_of(session).execute("UPDATE insights.definitions SET version = gen_random_uuid()")

    assert midnight_of(MIDNIGHT + timedelta(days=60)) == 1
    assert midnight_of(MIDNIGHT + timedelta(days=60)) == 0


@pytest.mark.usefixtures("database")
def test_while_it_is_built_anew_midnight_goes_by_what_it_was_before() -> None:
    segment_id = a_segment("recent", RECENT)
    customer_id = a_customer()
    play(order(customer_id))
    changed_segment(segment_id, {"event": "order.completed", "within_days": 365})  # nothing is built yet

    midnight_of(MIDNIGHT + timedelta(days=60))

    assert segments_of(customer_id) == set()


def test_a_day_that_never_comes_is_not_waited_for(database: None) -> None:
    a_segment("ever", {"event": "order.completed"})
    customer_id = a_customer()
    play(order(customer_id))
    saved_segment("unbuilt", RECENT)

    with db.transaction() as session:
        rows = connection_of(session).execute("SELECT recheck_on FROM insights.membership").fetchall()
    assert rows == [(None,)]


@pytest.mark.usefixtures("database")
def test_a_few_slots_are_dealt_with_at_once_and_no_more_rows_than_a_transaction_may_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_segment("recent", RECENT)
    people = [a_customer(f"+121255501{number}") for number in range(40, 52)]
    play(*(order(customer_id) for customer_id in people))
    slots = {slot_of(customer_id) for customer_id in people}
    monkeypatch.setattr(midnight, "_AT_ONCE", 5)
    over = MIDNIGHT + timedelta(days=29)

    taken = []
    while not taken or taken[-1]:
        taken.append(midnight.recheck_due(over))

    assert len(slots) > 4 and taken == [5, 5, 2, 0]
    assert [segments_of(customer_id) for customer_id in people] == [set()] * 12
