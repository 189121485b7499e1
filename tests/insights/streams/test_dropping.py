"""What nobody asks for any more is not counted any more, and what was counted goes."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core import db
from core.db import Connection, connection_of
from insights.segments import catalogue as segments
from insights.segments import saved
from insights.streams import Stream, asking, catalogue, dropping, filling
from insights.streams.errors import TooMuchCounted
from insights.streams.stream import canonical
from tests.insights.log import NOON, a_customer, order, play
from tests.insights.segments.world import STAFF, a_segment, build, changed_segment, saved_segment, segments_of

pytestmark = pytest.mark.usefixtures("database")

LATER, MUCH_LATER = NOON + timedelta(days=2), NOON + timedelta(days=3)


@pytest.fixture(autouse=True)
def asked_by_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_asked_by", (segments.asked_streams,))


def over(minor: int) -> dict[str, Any]:
    return {"event": "order.completed", "where": {"field": "total_minor", "is": "at_least", "value": minor}}


def stream(minor: int) -> Stream:
    return Stream("order.completed", condition=canonical(over(minor)["where"]))


def kept() -> list[int]:
    """The amounts by which orders are counted."""
    with db.transaction() as session:
        return [minor for minor in range(1, 9) if catalogue.ids_of(connection_of(session), [stream(minor)])]


def rows() -> tuple[int, int, int]:
    """Of streams with a condition, and of what all streams counted."""
    with db.transaction() as session:
        row = connection_of(session).execute(
            "SELECT (SELECT count(*) FROM insights.stream WHERE condition <> ''),"
            " (SELECT count(*) FROM insights.activity), (SELECT count(*) FROM insights.activity_day)"
        )
        return row.fetchone() or (0, 0, 0)


def test_what_a_segment_asked_for_before_it_was_changed_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropping, "_AT_ONCE", 2)
    people = [a_customer(f"+1212555{100 + n:04d}") for n in range(5)]
    play(*[order(customer_id) for customer_id in people])
    segment_id = a_segment("big", over(1))
    changed_segment(segment_id, over(2))
    build()
    assert (kept(), rows()) == ([1, 2], (2, 20, 20))  # also each customer's sign-up and orders

    dropping.sweep(LATER)
    assert (kept(), rows()) == ([2], (2, 20, 20))
    play(order(people[0], minutes=1))
    assert rows() == (2, 20, 20)
    dropping.sweep(MUCH_LATER)

    assert (kept(), rows()) == ([2], (1, 15, 15))
    assert segments_of(people[0]) == {"big"}


def test_what_was_tried_out_today_stays_till_tomorrow() -> None:
    segment_id = a_segment("big", over(1))
    changed_segment(segment_id, over(2))
    build()

    dropping.sweep(NOON + timedelta(days=1))
    before = kept()
    dropping.sweep(NOON + timedelta(days=1, seconds=1))

    assert (before, kept()) == ([1, 2], [2])


def test_what_stands_until_everybody_was_judged_anew_stays_counted() -> None:
    segment_id = a_segment("big", over(1))
    changed_segment(segment_id, over(2))

    dropping.sweep(LATER)

    assert kept() == [1, 2]


def test_an_archived_segment_asks_for_nothing_and_plain_names_are_not_asked_for() -> None:
    customer_id = a_customer()
    segment_id = a_segment("big", {"all": [over(1), {"event": "order.completed"}]})
    with db.transaction() as session:
        saved.archive(session, segment_id, actor=STAFF, now=NOON)

    dropping.sweep(LATER)
    play(order(customer_id))

    with db.transaction() as session:
        assert catalogue.ids_of(connection_of(session), [Stream("order.completed")])
    assert kept() == []


def test_what_is_asked_for_again_is_counted_anew_and_whole() -> None:
    customer_id = a_customer()
    play(order(customer_id))
    segment_id = a_segment("big", over(1))
    changed_segment(segment_id, over(2))
    build()
    dropping.sweep(LATER)
    play(order(customer_id, minutes=1))

    changed_segment(segment_id, {**over(1), "is": "equals", "value": 2}, revision=2)
    build()

    assert segments_of(customer_id) == {"big"}


def test_nothing_goes_where_somebody_keeps_what_this_release_does_not_understand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_understood(connection: Connection) -> Collection[Stream] | None:
        return None

    changed_segment(a_segment("big", over(1)), over(2))
    build()

    for asked_by in [(segments.asked_streams, not_understood), ()]:
        monkeypatch.setattr(asking, "_asked_by", asked_by)
        dropping.sweep(LATER)
        assert kept() == [1, 2]


def test_whoever_begins_to_ask_for_it_meanwhile_keeps_it() -> None:
    changed_segment(a_segment("big", over(1)), over(2))
    build()

    with db.transaction() as session:
        catalogue.ensure(connection_of(session), [stream(1)], NOON)
        dropping.sweep(LATER)

    assert kept() == [1, 2]


def test_whoever_asks_for_what_is_being_dropped_gets_another() -> None:
    changed_segment(a_segment("big", over(1)), over(2))
    build()

    with ThreadPoolExecutor(1) as other:
        with db.transaction() as session:
            assert asking.drop_unasked(connection_of(session), before=LATER, now=LATER) == 1
            asked = other.submit(saved_segment, "bigger", over(1))
            assert not asked.done()
        asked.result(timeout=10)

    assert (kept(), rows()[0]) == ([1, 2], 3)


def test_where_nothing_is_dropped_nothing_is_locked_that_would_hold_readers_back() -> None:
    a_segment("big", over(1))

    with db.transaction() as session:
        connection = connection_of(session)
        assert asking.drop_unasked(connection, before=LATER, now=LATER) == 0
        assert connection.execute("SELECT pg_current_xact_id_if_assigned()::text").fetchone() == (None,)


def test_no_more_is_counted_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_ASKED", 2)
    saved_segment("one", over(1))
    saved_segment("two", over(2))

    with pytest.raises(TooMuchCounted):
        saved_segment("three", over(3))
    saved_segment("again", {"all": [over(1), over(2), {"event": "order.completed"}]})

    assert kept() == [1, 2]
    with db.transaction() as session:
        assert [each.key for each in saved.page(session, before=None, limit=9)] == ["again", "two", "one"]


def test_what_nobody_asks_for_makes_room_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who tries out many things in a day is not kept from it by the first of them."""
    monkeypatch.setattr(asking, "MOST_ASKED", 2)
    segment_id: UUID = a_segment("big", over(1))

    for revision, minor in enumerate(range(2, 6), 1):
        changed_segment(segment_id, over(minor), revision=revision)
        build()

    assert kept()[-1] == 5 and len(kept()) <= 2


def test_a_stream_that_is_dropped_while_it_is_filled_is_filled_no_further() -> None:
    with db.transaction() as session:
        catalogue.ensure(connection_of(session), [stream(1)], datetime(2026, 1, 1, tzinfo=NOON.tzinfo))

    dropping.sweep(NOON)

    assert filling.fill_due(NOON) == 0
