"""Building judges everybody once, beside the reader, and goes on where a worker died."""

from typing import Any
from uuid import UUID

import pytest

from core import db
from core.db import connection_of
from core.events import offsets, readers
from core.events.log import slot_of
from insights import reactions
from insights.segments import building, saved
from insights.segments.errors import SegmentChanged, SegmentInUse, SegmentInvalid, SegmentKeyTaken
from tests.core.log import wait_for_the_horizon
from tests.insights.log import NOON, a_customer, identify, order, play, read, write
from tests.insights.segments.world import (
    STAFF,
    a_segment,
    build,
    changed_segment,
    faults,
    saved_segment,
    segment_row,
    segments_of,
    told,
)

ONCE = {"event": "order.completed"}
TWICE = {"event": "order.completed", "is": "at_least", "value": 2}


def people(count: int = 8) -> list[UUID]:
    return [a_customer(f"+1212555{1000 + place}") for place in range(count)]


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One customer a transaction."""
    monkeypatch.setattr(building, "_AT_ONCE", 1)
    monkeypatch.setattr(building, "_LONGEST_SECONDS", 0.0)


@pytest.mark.usefixtures("database", "slowly")
def test_each_is_judged_once_however_building_and_reading_alternate() -> None:
    """Whoever orders while it is built is in it in the end, announced once."""
    found = people()
    play(*[order(customer_id) for customer_id in found])
    saved_segment("twice", TWICE)

    again = list(found[:5])
    for step in range(60):
        building.build_due(NOON)
        if step % 7 == 0 and again:
            write(order(again.pop(), minutes=1))
        if step % 3 == 0:
            readers.run_batch(reactions.READERS[0], now=NOON)
    build()
    read()

    entered = [each for each in found if segments_of(each)]
    assert set(entered) == set(found[:5]) - set(again)
    assert sorted(each[1] for each in told()) == sorted(entered)


@pytest.mark.usefixtures("database", "slowly")
def test_building_goes_on_where_a_worker_died(monkeypatch: pytest.MonkeyPatch) -> None:
    found = people()
    play(*[order(customer_id) for customer_id in found])
    segment_id = saved_segment("once", ONCE)
    judge = building.judge

    def die(*given: Any, **named: Any) -> int:
        judge(*given, **named)
        raise KeyboardInterrupt

    for step in range(300):
        monkeypatch.setattr(building, "judge", die if step % 2 else judge)
        try:
            if not building.build_due(NOON):
                break
        except KeyboardInterrupt:
            continue

    assert (segment_row(segment_id).status, segment_row(segment_id).members) == ("live", len(found))
    assert sorted(told()) == sorted([("segment.entered", each, "once", True) for each in found])


@pytest.mark.usefixtures("database")
def test_until_it_is_built_nobody_is_in_it() -> None:
    customer_id = a_customer()
    play(order(customer_id))
    saved_segment("once", ONCE)

    play(order(customer_id, minutes=1))

    assert (segments_of(customer_id), told()) == (set(), [])


@pytest.mark.usefixtures("database")
def test_a_changed_segment_goes_by_what_it_was_until_it_is_built_anew() -> None:
    segment_id = a_segment("regulars", TWICE)
    once, twice = people(2)
    play(order(once), order(twice), order(twice))

    changed_segment(segment_id, ONCE)
    play(order(once, minutes=1))  # by what it was before, this makes two
    before = segments_of(once), segments_of(twice)
    changed_segment(segment_id, {"event": "order.completed", "is": "at_least", "value": 3}, revision=2)
    build()

    assert before == ({"regulars"}, {"regulars"})
    assert (segments_of(once), segments_of(twice)) == (set(), set())
    assert told("segment.left") == [
        ("segment.left", each, "regulars", True) for each in sorted([once, twice], key=lambda each: slot_of(each))
    ]
    assert (segment_row(segment_id).revision, segment_row(segment_id).previous) == (3, None)


@pytest.mark.usefixtures("database")
def test_those_who_name_a_changed_segment_are_built_anew_as_well() -> None:
    regulars = a_segment("regulars", TWICE)
    gold = a_segment("gold_regulars", {"all": [{"segment": "regulars"}, {"trait": "plan", "is": "present"}]})
    customer_id = a_customer()
    play(order(customer_id), identify(customer_id, traits={"plan": "gold"}))

    changed_segment(regulars, ONCE)
    assert [segment_row(each).status for each in (regulars, gold)] == ["building", "building"]
    build()

    assert segments_of(customer_id) == {"regulars", "gold_regulars"}


@pytest.mark.usefixtures("database")
def test_a_name_alone_builds_nothing() -> None:
    segment_id = a_segment("once", ONCE)

    changed_segment(segment_id, ONCE)

    assert (segment_row(segment_id).name, segment_row(segment_id).status) == ("changed", "live")
    assert segment_row(segment_id).revision == 1


@pytest.mark.usefixtures("database")
def test_nobody_overwrites_what_they_have_not_seen() -> None:
    segment_id = a_segment("once", ONCE)
    changed_segment(segment_id, TWICE)

    with pytest.raises(SegmentChanged):
        changed_segment(segment_id, ONCE, revision=1)


@pytest.mark.usefixtures("database")
def test_keys_are_for_ever() -> None:
    segment_id = a_segment("once", ONCE)
    with pytest.raises(SegmentKeyTaken):
        saved_segment("once", ONCE)

    with db.transaction() as session:
        saved.archive(session, segment_id, actor=STAFF, now=NOON)
    with pytest.raises(SegmentKeyTaken):
        saved_segment("once", ONCE)


@pytest.mark.parametrize("key", ["", "Once", "1once", "on-ce", "x" * 41, "once\n"])
@pytest.mark.usefixtures("database")
def test_keys_are_plain(key: str) -> None:
    with pytest.raises(SegmentInvalid):
        saved_segment(key, ONCE)


@pytest.mark.usefixtures("database")
def test_a_segment_that_another_names_stays() -> None:
    once = a_segment("once", ONCE)
    not_once = a_segment("not_once", {"not": {"segment": "once"}})

    with db.transaction() as session, pytest.raises(SegmentInUse) as refused:
        saved.archive(session, once, actor=STAFF, now=NOON)
    with db.transaction() as session:
        saved.archive(session, not_once, actor=STAFF, now=NOON)
    with db.transaction() as session:
        saved.archive(session, once, actor=STAFF, now=NOON)

    assert refused.value.facts["used_by"] == ["the segment “not_once”"]


@pytest.mark.usefixtures("database")
def test_segments_cannot_go_in_a_ring_nor_deeper_than_three() -> None:
    a = a_segment("a", ONCE)
    a_segment("b", {"not": {"segment": "a"}})
    a_segment("c", {"not": {"segment": "b"}})

    with pytest.raises(SegmentInvalid) as ring:
        changed_segment(a, {"any": [{"segment": "c"}, ONCE]})
    with pytest.raises(SegmentInvalid) as itself:
        changed_segment(a, {"segment": "a"})
    a_segment("d", {"segment": "c"})
    with pytest.raises(SegmentInvalid) as deep:
        saved_segment("e", {"segment": "d"})

    assert "would go by itself" in ring.value.facts["errors"][0]["detail"]
    assert itself.value.facts["errors"] == [{"pointer": "/condition/segment", "detail": "“a” would go by itself."}]
    assert "3 deep" in deep.value.facts["errors"][0]["detail"]


@pytest.mark.usefixtures("database")
def test_a_segment_that_nobody_knows_is_a_fault_with_a_hint() -> None:
    a_segment("regulars", ONCE)

    with pytest.raises(SegmentInvalid) as refused:
        saved_segment("b", {"all": [ONCE, {"segment": "regular"}]})

    assert refused.value.facts["errors"] == [
        {"pointer": "/condition/all/1/segment", "detail": "There is no segment “regular”. Did you mean “regulars”?"}
    ]


@pytest.mark.usefixtures("database")
def test_a_slot_whose_batch_is_under_way_holds_building_up_and_not_the_reader() -> None:
    customer_id = a_customer()
    play(order(customer_id))
    saved_segment("once", ONCE)
    write(order(customer_id, minutes=1))

    with db.transaction() as session:
        offsets.lock_slot(connection_of(session), "insights.profiles", slot_of(customer_id))
        assert readers.run_batch(reactions.READERS[0], now=NOON) == 0  # passed over, not waited for
    build()
    read()

    assert segments_of(customer_id) == {"once"}


@pytest.mark.usefixtures("database")
def test_the_reader_writes_members_while_another_builds_or_changes_the_segment() -> None:
    segment_id = a_segment("twice", TWICE)
    customer_id = a_customer()
    changed_segment(segment_id, ONCE)
    play(order(customer_id))
    write(order(customer_id, minutes=1))
    wait_for_the_horizon()

    with db.transaction() as session:
        connection_of(session).execute(building._LOCK, [segment_id])
        connection_of(session).execute("UPDATE insights.segment SET built_slots = 1 WHERE id = %s", [segment_id])
        assert readers.run_batch(reactions.READERS[0], now=NOON) == 1  # else Busy, after two seconds of waiting
        assert segments_of(customer_id) == {"twice"}


@pytest.mark.parametrize(
    ("raw", "pointer", "words"),
    [
        ([], "/condition", "Must be a condition"),
        ({}, "/condition", "with one of all, any, not"),
        ({"trait": "plan", "event": "order.completed"}, "/condition", "cannot stand side by side"),
        ({"evnt": "order.completed"}, "/condition", "Did you mean “event”?"),
        ({"all": []}, "/condition/all", "1 to 50"),
        ({"all": [ONCE] * 51}, "/condition/all", "1 to 50"),
        ({"event": "order.complete"}, "/condition/event", "Did you mean “order.completed”?"),
        ({"event": "segment.entered"}, "/condition/event", "ask for the segment"),
        ({"event": 3}, "/condition/event", "name of an event"),
        ({**ONCE, "within_days": 0}, "/condition/within_days", "1 to 730"),
        ({**ONCE, "within_days": 731}, "/condition/within_days", "1 to 730"),
        ({**ONCE, "within_days": True}, "/condition/within_days", "1 to 730"),
        ({**ONCE, "count": 3}, "/condition/count", "Must be true"),
        ({**ONCE, "is": "at_least"}, "/condition/value", "missing"),
        ({**ONCE, "value": 3}, "/condition/is", "Must be one of"),
        ({**ONCE, "is": "at_least", "value": float("nan")}, "/condition/value", "a number"),
        ({**ONCE, "is": "at_least", "value": True}, "/condition/value", "a number"),
        ({**ONCE, "sum": "total"}, "/condition/sum", "Did you mean “total_minor”?"),
        ({**ONCE, "sum": "total_minor"}, "/condition/is", "missing"),
        ({**ONCE, "last": "more_than"}, "/condition/days", "missing"),
        ({**ONCE, "last": "more_than", "days": -1}, "/condition/days", "whole number of days"),
        ({**ONCE, "last": "more_than", "days": 3, "within_days": 3}, "/condition/within_days", "not known here"),
        ({**ONCE, "named": "Tried"}, "/condition/named", "Only “outside.track”"),
        ({**ONCE, "where": {"field": "totl"}}, "/condition/where/is", "missing"),
        ({"trait": "plan", "is": "contains", "value": 3}, "/condition/value", "text"),
        ({"trait": "plan", "is": "one_of", "value": []}, "/condition/value", "1 to 200"),
        ({"trait": "plan", "is": "one_of", "value": ["a", {}]}, "/condition/value/1", "a text"),
        ({"trait": "plan", "is": "present", "value": 1}, "/condition/value", "takes no value"),
        ({"trait": "", "is": "present"}, "/condition/trait", "1 to 64"),
        ({"profile": "fase", "is": "equals", "value": 1}, "/condition/profile", "Did you mean “phase”?"),
        ({"profile": "phase", "is": "equals", "value": "x"}, "/condition/value", "There is no phase"),
        ({"profile": "orders", "currency": "USD", "is": "equals", "value": 1}, "/condition/currency", "not known"),
        ({"wallet": "points", "currency": "USD", "is": "equals", "value": 1}, "/condition/currency", "not known"),
        ({"wallet": "cash", "currency": "XXX", "is": "equals", "value": 1}, "/condition/currency", "a currency"),
        ({"voucher": {}}, "/condition", "Ask one thing"),
        ({"voucher": {"campaign_id": "x"}, "holds": True}, "/condition/voucher/campaign_id", "id of a campaign"),
        ({"voucher": {}, "holds": False}, "/condition/holds", "“not”"),
        ({"voucher": {}, "expires_within_days": -1}, "/condition/expires_within_days", "0 to 730"),
        ({"segment": "No"}, "/condition/segment", "key of a segment"),
        ({"segment": "a", "means": ONCE}, "/condition/means", "not known here"),
    ],
)
def test_faults_are_told_where_they_stand_and_in_words(raw: Any, pointer: str, words: str) -> None:
    found = faults(raw)

    assert [each for each in found if each[0] == pointer and words in each[1]], found


def test_conditions_may_stand_ten_deep_and_no_deeper() -> None:
    deep: Any = ONCE
    for _ in range(10):
        deep = {"not": deep}

    assert faults(deep) == []
    assert "10 deep" in faults({"not": deep})[0][1]


def test_two_hundred_conditions_are_many_enough() -> None:
    many = {"all": [{"any": [ONCE] * 48} for _ in range(4)]}

    assert faults(many) == []
    assert "may be 200" in faults({"all": [many, {"any": [ONCE] * 3}]})[0][1]
