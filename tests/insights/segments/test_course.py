"""Who enters and leaves is told each time, however many events the reader takes at once."""

from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import UUID

import pytest

from core import db
from core.db import connection_of
from insights.profiles import traits
from insights.segments import course
from insights.segments.facts import Counted, Day, Facts
from insights.segments.models import Membership
from tests.insights.identities.linked import a_device
from tests.insights.log import NOON, a_customer, campaign, identify, order, play, refund, track
from tests.insights.segments.world import a_segment, build, saved_segment, segments_of

pytestmark = pytest.mark.usefixtures("database")

GOLD = {"trait": "plan", "is": "equals", "value": "gold"}


def moves_of(customer_id: UUID) -> list[tuple[str, str, int]]:
    """What was told of a customer: event, segment, and by the which-th of their events."""
    with db.transaction() as session:
        rows = connection_of(session).execute(_MOVES, {"customer": customer_id})
        return [(name, key, place) for name, key, place in rows]


def test_who_enters_and_leaves_within_one_batch_is_told_both_and_by_what() -> None:
    segment_id = a_segment("gold", GOLD)
    customer_id, other = a_customer(), a_customer("+12125550143")

    play(
        identify(customer_id, traits={"plan": "gold"}),
        track(other),
        identify(customer_id, traits={"plan": "silver"}, minutes=1),
    )

    assert moves_of(customer_id) == [("segment.entered", "gold", 2), ("segment.left", "gold", 3)]
    assert (segments_of(customer_id), moves_of(other)) == (set(), [])
    with db.transaction() as session:
        kept = session.get(Membership, (customer_id, segment_id))
        assert kept is not None and (kept.is_in, kept.since) == (False, NOON)


def test_exactly_one_order_is_entered_by_the_first_and_left_by_the_second() -> None:
    a_segment("one_order", {"event": "order.completed", "is": "equals", "value": 1})
    customer_id = a_customer()

    play(order(customer_id), order(customer_id, minutes=1))

    assert [each[0] for each in moves_of(customer_id)] == ["segment.entered", "segment.left"]


def test_a_window_is_summed_once_an_event_however_many_segments_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = {"event": "outside.track", "named": "Tried", "within_days": 30, "is": "at_least"}
    for most in range(1, 6):
        saved_segment(f"tried_{most}", {**tried, "value": most})
    build()
    customer_id, summed = a_customer(), 0
    within = Facts.within

    def noted(facts: Facts, asked: Counted) -> Sequence[Day]:
        nonlocal summed
        summed += isinstance(facts, course._Between)
        return within(facts, asked)

    monkeypatch.setattr(Facts, "within", noted)
    play(*[track(customer_id, minutes=n) for n in range(5)])

    assert moves_of(customer_id) == [("segment.entered", f"tried_{n}", n + 1) for n in range(1, 6)]
    assert summed == 4  # after each event but the last


def test_who_leaves_and_comes_back_within_one_batch_is_in_since_then() -> None:
    segment_id = a_segment("gold", GOLD)
    customer_id = a_customer()
    play(identify(customer_id, traits={"plan": "gold"}))
    with db.transaction() as session:
        connection_of(session).execute("UPDATE insights.membership SET since = '2026-01-01'")

    play(*[identify(customer_id, traits={"plan": plan}, minutes=n) for n, plan in enumerate(["silver", "gold"], 1)])

    assert [each[0] for each in moves_of(customer_id)] == ["segment.entered", "segment.left", "segment.entered"]
    with db.transaction() as session:
        kept = session.get(Membership, (customer_id, segment_id))
        assert kept is not None and (kept.is_in, kept.since) == (True, NOON)


def test_a_trait_without_room_brings_nobody_in_for_a_moment() -> None:
    a_segment("gold", GOLD)
    customer_id = a_customer()
    play(identify(customer_id, traits={f"t{n:03d}": n for n in range(traits.TRAITS)}))

    play(*[identify(customer_id, traits={"plan": plan}, minutes=n) for n, plan in enumerate(["gold", "silver"])])

    assert moves_of(customer_id) == []


SEGMENTS: dict[str, Any] = {
    "gold": GOLD,
    "no_plan": {"not": {"trait": "plan", "is": "present"}},
    "two_orders": {"event": "order.completed", "is": "equals", "value": 2},
    "even_lately": {"event": "order.completed", "is": "equals", "value": 2, "within_days": 3},
    "spent_some": {"event": "order.completed", "sum": "total_minor", "is": "equals", "value": 2500},
    "small_one": {
        "event": "order.completed",
        "where": {"field": "total_minor", "is": "at_most", "value": 1000},
        "is": "equals",
        "value": 1,
    },
    "considering": {"profile": "phase", "is": "equals", "value": "consideration"},
    "bought": {"profile": "phase", "is": "equals", "value": "purchase"},
    "worth": {"profile": "revenue_minor", "is": "at_most", "value": 1500},
    "by_mail": {"profile": "first_touch.source", "is": "equals", "value": "newsletter"},
    "tried_once": {"event": "outside.track", "named": "Tried", "is": "equals", "value": 1},
    "not_new": {"event": "order.completed", "first": "more_than", "days": 2},
    "gold_with_one": {"all": [GOLD, {"profile": "orders", "is": "equals", "value": 1}]},
}


def deeds(random: Random, number: int) -> list[Any]:
    """What some customer does, whoever it is: functions of the customer and a visitor of theirs."""

    def one() -> Any:
        minutes = random.choice([0, 0, 1, 5, -60 * 24 * 4])
        kind = random.choice(["order", "order", "identify", "identify", "refund", "track", "viewed", "device"])
        amount, plan = random.choice([500, 1000, 2500]), random.choice(["gold", "silver", None])
        source = random.choice(["newsletter", "billboard"])
        return {
            "order": lambda customer, _: order(customer, total_minor=amount, minutes=minutes),
            "identify": lambda customer, _: identify(customer, traits={"plan": plan}, minutes=minutes),
            "refund": lambda customer, _: refund(customer, amount_minor=amount, minutes=minutes),
            "track": lambda customer, _: track(customer, minutes=minutes, context=campaign(source)),
            "viewed": lambda customer, _: track(customer, event="Product Viewed", minutes=minutes),
            "device": lambda customer, visitor: a_device(customer, visitor),
        }[kind]

    return [one() for _ in range(number)]


def test_all_at_once_tells_what_one_after_another_tells() -> None:
    random = Random(7)
    for key, condition in SEGMENTS.items():
        a_segment(key, condition)
    told: list[list[tuple[str, str, int]]] = [[], []]
    for turn in range(6):
        customers = [a_customer(f"+1212555{1000 + 2 * turn + place}") for place in range(2)]
        done = deeds(random, 9)
        alone, together = [[deed(customer, f"anonymous:{customer}") for deed in done] for customer in customers]
        play(*[track(subject_id=f"anonymous:{each}", event="Product Viewed", minutes=-9) for each in customers])
        for event in alone:
            play(event)
        play(*together)
        for place, customer_id in enumerate(customers):
            told[place] += moves_of(customer_id)

    assert told[1] == told[0]
    assert len(told[0]) > 50


_MOVES = """
    WITH own AS (SELECT id, name, payload, caused_by, seq,
                        row_number() OVER (PARTITION BY name NOT LIKE 'segment.%%' ORDER BY seq) AS place
                   FROM core.event WHERE customer_id = %(customer)s AND name NOT LIKE 'trait.changed'
                    AND name NOT LIKE 'identity.%%')
    SELECT s.name, s.payload ->> 'key', cause.place FROM own s JOIN own cause ON cause.id = s.caused_by
     WHERE s.name LIKE 'segment.%%' ORDER BY cause.place, 2, 1
"""
