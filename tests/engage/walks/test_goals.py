"""What a journey is for: conversions, once an enrolment, in their window, in every arm, credited to what arrived."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.db import transaction
from core.events.log import EventRow
from engage.walks import conversions
from tests.engage.conftest import START, Scene, drawn, enrolments, runs, say, wait

DAY = 24 * 3600
GOAL = {"event": "order.completed", "within_seconds": 3 * DAY}


def told_twice(**more: Any) -> dict[str, Any]:
    steps = {"one": say("One", next="rest"), "rest": wait(DAY, on_timeout="two"), "two": say("Two", next="on"),
             "on": wait(DAY)}  # fmt: skip
    return drawn("one", steps, goal=GOAL, **more)


def inside(scene: Scene, **more: Any) -> UUID:
    customer_id = scene.customer()
    scene.publish(told_twice(**more))
    scene.happen(scene.order(customer_id))
    scene.read()
    return customer_id


def deliver(number: int, scene: Scene) -> UUID:
    """The number-th message, oldest first, arrives now."""
    with transaction() as session:
        ids = [row[0] for row in session.execute(text("SELECT id FROM core.message ORDER BY id"))]
        session.execute(
            text("UPDATE core.message SET state = 'delivered', delivered_at = :at WHERE id = :id"),
            {"at": scene.now, "id": ids[number]},
        )
        found: UUID = ids[number]
        return found


def converted() -> list[dict[str, Any]]:
    with transaction() as session:
        query = select(EventRow.payload).where(EventRow.name == "journey.converted").order_by(EventRow.id)
        return list(session.scalars(query))


def test_conversion_counts_once_within_its_window_and_credits_the_last_delivered(scene: Scene) -> None:
    customer_id = inside(scene)
    first = deliver(0, scene)
    scene.move(days=1)
    scene.work()  # the second message leaves, and never arrives
    scene.move(hours=1)

    [event_id, _] = scene.happen(scene.order(customer_id), scene.order(customer_id))
    scene.read()

    [walk] = enrolments()
    assert (walk.converted_at, walk.goal_until) == (scene.now, None)
    assert walk.conversion == {"event_id": str(event_id), "event": "order.completed", "message_id": str(first)}
    [fact] = converted()
    assert (fact["message_id"], fact["event_id"]) == (str(first), str(event_id))
    assert walk.state == "waiting", "a goal is no exit"


def test_a_message_that_arrives_after_the_goal_is_not_credited(scene: Scene) -> None:
    customer_id = inside(scene)
    scene.happen(scene.order(customer_id))
    scene.move(seconds=1)
    deliver(0, scene)

    scene.read()

    assert enrolments()[0].conversion["message_id"] is None  # type: ignore[index]


@pytest.mark.parametrize(("after_seconds", "counts"), [(3 * DAY, True), (3 * DAY + 1, False)])
def test_a_goal_counts_until_its_window_ends_also_after_the_journey(
    scene: Scene, after_seconds: int, counts: bool
) -> None:
    customer_id = inside(scene)
    scene.move(days=1)
    scene.work()
    scene.move(days=1)
    scene.work()
    assert enrolments()[0].state == "ended"

    scene.happen(scene.order(customer_id, occurred_at=START + timedelta(seconds=after_seconds)))
    scene.move(days=2)
    scene.read()

    assert (enrolments()[0].converted_at is not None) == counts == bool(converted())


def test_what_let_the_customer_in_is_no_conversion(scene: Scene) -> None:
    inside(scene)

    assert converted() == []


def test_those_held_out_walk_and_convert(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(told_twice(), holdout_bps=10_000)
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(hours=1)

    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(days=1)
    scene.work()

    [walk] = enrolments()
    assert (walk.arm, walk.conversion["message_id"]) == ("holdout", None)  # type: ignore[index]
    assert converted()[0]["arm"] == "holdout"
    assert runs()[:3] == [("one", "held_out"), ("rest", "timeout"), ("two", "held_out")]


def test_a_goal_that_lapsed_is_looked_at_no_more_a_week_later(scene: Scene) -> None:
    inside(scene)
    over = START + timedelta(days=3 + 7)

    assert conversions.lapse(over) == 0
    assert conversions.lapse(over + timedelta(seconds=1)) == 1

    assert enrolments()[0].goal_until is None
