"""A new stream counts each event of the log once, whoever comes to it: the filling or the reader."""

import logging
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest

from auth import customers
from core import db
from core.db import connection_of
from core.errors import Busy
from core.events import announce_all, offsets, readers, unparking
from core.events.log import slot_of
from insights import reactions
from insights.streams import Stream, catalogue, filling
from insights.streams.stream import canonical
from tests.core.log import wait_for_the_horizon
from tests.insights.log import NOON, a_customer, order, play, read, track, write

BIG = Stream("order.completed", condition=canonical({"field": "total_minor", "is": "at_least", "value": 500}))
SPENT = Stream("order.completed", field="total_minor")
ORDERS = Stream("order.completed")


def ensure(*streams: Stream) -> bool:
    with db.transaction() as session:
        return catalogue.ensure(connection_of(session), streams, NOON)


def counted(stream: Stream) -> dict[UUID, tuple[int, Decimal]]:
    """By customer, what is kept for ever; the days must come to the same."""
    with db.transaction() as session:
        connection = connection_of(session)
        id_ = catalogue.ids_of(connection, [stream])[stream][0]
        ever = connection.execute("SELECT customer_id, count, total FROM insights.activity WHERE stream_id = %s", [id_])
        found = {row[0]: (row[1], row[2]) for row in ever}
        days = connection.execute(
            "SELECT customer_id, sum(count), sum(total) FROM insights.activity_day WHERE stream_id = %s GROUP BY 1",
            [id_],
        )
        assert {row[0]: (row[1], row[2]) for row in days} == found
        return found


def names() -> list[str]:
    with db.transaction() as session:
        rows = connection_of(session).execute("SELECT named FROM insights.stream WHERE event = 'outside.track'")
        return [row[0] for row in rows]


@pytest.mark.usefixtures("database")
def test_what_was_read_is_filled_and_what_was_not_is_counted_as_it_is_read() -> None:
    customer_id = a_customer()
    play(order(customer_id, total_minor=500), order(customer_id, total_minor=499))
    write(order(customer_id, total_minor=700))

    is_whole = ensure(BIG, SPENT)
    while filling.fill_due(NOON):
        pass
    filled = counted(BIG), counted(SPENT)
    read()

    assert is_whole is False
    assert filled == ({customer_id: (1, 0)}, {customer_id: (2, 999)})
    assert (counted(BIG), counted(SPENT)) == ({customer_id: (2, 0)}, {customer_id: (3, 1_699)})
    assert ensure(BIG, SPENT) is True


@pytest.mark.parametrize("page", [1, 2, 3, 7])
@pytest.mark.usefixtures("database")
def test_each_event_is_counted_once_however_filling_and_reading_alternate(
    page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Filling stops after each page, and each time more is written and read."""
    monkeypatch.setattr(filling, "_PAGE", page)
    monkeypatch.setattr(filling, "_LONGEST_SECONDS", 0.0)
    people = [a_customer(f"+1212555{1000 + place}") for place in range(6)]
    play(*[order(customer_id, total_minor=10) for customer_id in people for _ in range(4)])
    ensure(SPENT)

    written = dict.fromkeys(people, 4)
    for step in range(40):
        filling.fill_due(NOON)
        if step % 3 == 0:
            customer_id = people[step % 6]
            write(order(customer_id, total_minor=10))
            written[customer_id] += 1
        if step % 5 == 0:
            readers.run_batch(reactions.READERS[0], now=NOON)
    while filling.fill_due(NOON):
        pass
    read()

    assert counted(SPENT) == {each: (count, 10 * count) for each, count in written.items()}
    assert counted(SPENT) == {each: (counts[0], 10 * counts[0]) for each, counts in counted(ORDERS).items()}


@pytest.mark.usefixtures("database")
def test_a_filling_whose_worker_dies_goes_on_where_it_committed_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "_LONGEST_SECONDS", 0.0)
    people = [a_customer(f"+1212555{1000 + place}") for place in range(6)]
    play(*[order(customer_id, total_minor=10) for customer_id in people])
    ensure(SPENT)
    kept = filling._keep

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    for step in range(200):
        monkeypatch.setattr(filling, "_keep", die if step % 2 else kept)
        try:
            if not filling.fill_due(NOON):
                break
        except KeyboardInterrupt:
            continue

    assert counted(SPENT) == dict.fromkeys(people, (1, 10))


@pytest.mark.usefixtures("database")
def test_what_waits_behind_a_parked_event_is_counted_once_it_is_taken_up() -> None:
    customer_id = a_customer()
    read()

    def fail(*_: Any) -> None:
        raise ValueError

    failing = readers.Reader("insights.profiles", fail, None)
    write(order(customer_id, total_minor=10), order(customer_id, total_minor=10))
    wait_for_the_horizon()
    while readers.run_batch(failing, now=NOON):
        pass
    ensure(SPENT)
    while filling.fill_due(NOON):
        pass
    parked = counted(SPENT)

    unparking.retry(reactions.READERS[0], str(customer_id), now=NOON)

    assert (parked, counted(SPENT)) == ({}, {customer_id: (2, 20)})


@pytest.mark.usefixtures("database")
def test_what_is_taken_up_again_between_two_pages_of_its_slot_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The filling has passed over the parked one, and the slot is not filled yet: nobody else would count it."""
    monkeypatch.setattr(filling, "_PAGE", 1)
    monkeypatch.setattr(filling, "_LONGEST_SECONDS", 0.0)
    customer_id = a_customer()
    neighbour = next(
        each
        for each in (a_customer(f"+1212556{1000 + place}") for place in range(1_000))
        if _are_of_one_slot(each, customer_id)
    )
    read()

    def fail(*_: Any) -> None:
        raise ValueError

    failing = readers.Reader("insights.profiles", fail, None)
    write(order(customer_id, total_minor=10))
    wait_for_the_horizon()
    while readers.run_batch(failing, now=NOON):
        pass
    play(order(neighbour, total_minor=10))
    ensure(SPENT)
    while not _is_passed(customer_id):
        assert filling.fill_due(NOON)

    unparking.retry(reactions.READERS[0], str(customer_id), now=NOON)
    while filling.fill_due(NOON):
        pass

    assert counted(SPENT) == dict.fromkeys((customer_id, neighbour), (1, 10))


def _are_of_one_slot(one: UUID, other: UUID) -> bool:
    return slot_of(one) == slot_of(other)


def _is_passed(customer_id: UUID) -> bool:
    """Whether the filling stands within the customer's slot, beyond their order."""
    with db.transaction() as session:
        row = connection_of(session).execute(
            "SELECT FROM insights.stream s JOIN core.event e ON e.slot = s.filled_slots"
            " AND (e.epoch, e.xid, e.seq) <= (s.filled_epoch, s.filled_xid, s.filled_seq)"
            " WHERE s.state = 'filling' AND e.name = 'order.completed' AND e.customer_id = %s",
            [customer_id],
        )
        return row.fetchone() is not None


@pytest.mark.usefixtures("own_options")
def test_filling_waits_for_a_batch_of_its_slot_rather_than_counting_beside_it() -> None:
    customer_id = a_customer()
    play(order(customer_id, total_minor=10))
    ensure(SPENT)
    with db.transaction() as session:
        connection_of(session).execute("UPDATE insights.stream SET filled_slots = %s", [slot_of(customer_id)])
        connection_of(session).execute("UPDATE insights.stream SET filled_slots = 64 WHERE state = 'live'")

    with db.transaction() as session:
        offsets.lock_slot(connection_of(session), "insights.profiles", slot_of(customer_id))
        with pytest.raises(Busy):
            filling.fill_due(NOON)

    while filling.fill_due(NOON):
        pass
    assert counted(SPENT) == {customer_id: (1, 10)}


@pytest.mark.usefixtures("database")
def test_a_thousand_names_are_counted_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    customer_id = a_customer()
    with caplog.at_level(logging.WARNING, logger="pocketful.segments"):
        play(*[track(customer_id, event=f"Name {place:04}") for place in range(1_010)])
        play(order(customer_id))

    kept = names()
    assert catalogue.MOST_NAMES - 5 <= len(kept) <= catalogue.MOST_NAMES
    assert len([record for record in caplog.records if "names of events" in record.message]) <= 1
    # Asked for by somebody, one more is counted all the same.
    late = Stream("outside.track", named="Name 1009")
    assert late.named not in kept
    ensure(late)
    while filling.fill_due(NOON):
        pass
    assert counted(late) == {customer_id: (1, 0)}


@pytest.mark.usefixtures("database")
def test_numbers_are_summed_as_they_are_written_and_nothing_else() -> None:
    field = Stream("outside.track", named="Bought", field="properties.revenue")
    customer_id = a_customer()
    ensure(field)
    while filling.fill_due(NOON):
        pass

    for value in (0.1, 0.2, "12", None, True, 1e300, [1, 2], {"a": 1}):
        event = track(customer_id, event="Bought")
        event.content["properties"]["revenue"] = value  # type: ignore[attr-defined]
        with db.transaction() as session:
            announce_all(session, [event])
    read()

    assert counted(field) == {customer_id: (8, Decimal("3.3"))}


@pytest.mark.usefixtures("database")
def test_a_log_that_was_there_before_streams_is_counted_as_well() -> None:
    """The migration writes down its names; what the reader had read by then is filled, the rest it counts itself."""
    customer_id = a_customer()
    play(order(customer_id), track(customer_id, event="Tried"), track(subject_id="visitor", event="Seen"))
    write(order(customer_id), track(customer_id, event="Tried"))
    with db.transaction() as session:
        connection = connection_of(session)
        connection.execute("TRUNCATE insights.stream, insights.activity, insights.activity_day, insights.definitions")
        connection.execute(import_module("migrations.versions.0035_insights_segments").NAMES.encode())
    tried = Stream("outside.track", named="Tried")

    read()
    while filling.fill_due(NOON):
        pass

    assert (counted(ORDERS), counted(tried)) == ({customer_id: (2, 0)}, {customer_id: (2, 0)})
    assert names() == ["Tried"]


@pytest.mark.usefixtures("database")
def test_what_sandboxes_did_is_counted_by_the_filling_as_little_as_by_the_reader() -> None:
    with db.transaction() as session:
        nobody = customers.add_sandbox(session, now=NOON)
    somebody = a_customer()
    play(order(nobody), order(somebody))

    ensure(BIG)
    while filling.fill_due(NOON):
        pass

    assert counted(BIG).keys() == counted(ORDERS).keys() == {somebody}
