"""Pausing a journey closes it to new customers; those inside go on, or are held until it is opened again."""

from typing import Any

import pytest
from sqlalchemy import update

from core.db import transaction
from engage import journeys
from engage.journeys import moving
from engage.journeys.errors import JourneyNotPublished
from engage.journeys.models import Journey
from engage.walks import holding
from engage.walks.models import Enrolment
from engage.walks.work import advance_due
from tests.engage.conftest import Scene, enrolments, journey, runs, say

DAY = 86_400


def waiting() -> dict[str, Any]:
    wait = {"kind": "wait", "for_event": "payment.refunded", "timeout_seconds": DAY, "on_timeout": "tell"}
    return {**journey("wait", {"wait": wait, "tell": say("Hi")}), "re_entry": {"once_per": "order_id"}}


def pause(scene: Scene, journey_id: Any, *, holds_inside: bool, status: str = "paused") -> None:
    with transaction() as session:
        journeys.set_status(
            session, journey_id=journey_id, status=status, holds_inside=holds_inside, actor="staff:test", now=scene.now
        )


@pytest.fixture
def inside(scene: Scene) -> Any:
    journey_id = scene.publish(waiting())
    scene.happen(scene.order(scene.customer()))
    scene.read()
    return journey_id


def later(scene: Scene, **by: float) -> None:
    scene.move(**by)
    scene.read()
    holding.wake_all(scene.now)
    scene.work()


def test_those_inside_go_on_and_nobody_enters(scene: Scene, inside: Any) -> None:
    pause(scene, inside, holds_inside=False)
    scene.happen(scene.order(scene.customer()))
    later(scene, days=1)

    assert runs() == [("wait", "timeout"), ("tell", "sent")]
    assert len(enrolments()) == 1


def test_those_who_are_held_stand_still_until_it_is_opened(scene: Scene, inside: Any) -> None:
    pause(scene, inside, holds_inside=True)
    later(scene, days=1)
    later(scene, days=1)
    assert runs() == [("wait", "waiting")]

    pause(scene, inside, holds_inside=False, status="live")
    later(scene, minutes=5)

    assert runs() == [("wait", "timeout"), ("tell", "sent")]


def test_those_who_are_held_are_moved_and_stand_still_there(scene: Scene, inside: Any) -> None:
    pause(scene, inside, holds_inside=True)
    later(scene, days=1)
    with transaction() as session:
        journeys.publish(
            session, journey_id=inside, raw_graph=waiting(), raw_inside={"migrate": {"wait": "tell"}},
            actor="staff:test", now=scene.now,
        )  # fmt: skip
    while moving.move_due(scene.now):
        pass
    later(scene, minutes=5)
    [walk] = enrolments()
    assert (walk.step, walk.due_at) == ("tell", holding.HELD)

    pause(scene, inside, holds_inside=False, status="live")
    later(scene)

    assert runs() == [("wait", "moved"), ("tell", "sent")]


def test_an_ended_journey_lets_those_who_were_held_out(scene: Scene, inside: Any) -> None:
    pause(scene, inside, holds_inside=True)
    later(scene, days=1)
    pause(scene, inside, holds_inside=False, status="ended")
    later(scene, minutes=5)
    later(scene, minutes=5)

    assert [walk.end_reason for walk in enrolments()] == ["journey_ended"]


def test_what_was_never_published_cannot_be_paused(scene: Scene) -> None:
    with transaction() as session:
        fresh = journeys.create(session, name="New", actor="staff:test", now=scene.now).id

    with pytest.raises(JourneyNotPublished):
        pause(scene, fresh, holds_inside=True)


def test_nobody_looks_at_those_who_are_held_until_it_goes_on(scene: Scene, inside: Any) -> None:
    pause(scene, inside, holds_inside=True)
    later(scene, days=1)
    for _ in range(3):
        scene.move(hours=1)
        assert (advance_due(scene.now), holding.wake(scene.now)) == (0, 0)

    pause(scene, inside, holds_inside=False, status="live")
    later(scene)

    assert runs() == [("wait", "timeout"), ("tell", "sent")]


def test_those_whose_wait_is_not_over_are_not_due_when_it_goes_on(scene: Scene, inside: Any) -> None:
    """Many of them would keep other journeys' walks waiting, each to be put off to its own time."""
    with transaction() as session:
        session.execute(update(Enrolment).values(due_at=holding.HELD))
    pause(scene, inside, holds_inside=True)
    pause(scene, inside, holds_inside=False, status="live")

    assert holding.wake(scene.now) == 1

    [walk] = enrolments()
    assert (walk.due_at, advance_due(scene.now)) == (walk.timeout_at, 0)


def test_one_who_is_put_off_by_a_worker_that_read_before_it_went_on_is_woken_too(scene: Scene, inside: Any) -> None:
    pause(scene, inside, holds_inside=True)
    pause(scene, inside, holds_inside=False, status="live")
    assert holding.wake(scene.now) == 0
    with transaction() as session:
        session.execute(update(Enrolment).values(due_at=holding.HELD))
    scene.move(days=1)

    assert (holding.wake(scene.now), holding.wake(scene.now)) == (1, 0)
    scene.work()

    assert runs() == [("wait", "timeout"), ("tell", "sent")]
    with transaction() as session:
        assert session.get_one(Journey, inside).wakes_until is None


def test_those_of_another_journey_and_of_one_that_is_held_again_sleep_on(scene: Scene, inside: Any) -> None:
    pause(scene, inside, holds_inside=True)
    later(scene, days=1)
    pause(scene, inside, holds_inside=False, status="live")
    pause(scene, inside, holds_inside=True)
    other = scene.publish(waiting())
    pause(scene, other, holds_inside=True)
    pause(scene, other, holds_inside=False, status="live")

    later(scene, hours=1)

    assert runs() == [("wait", "waiting")]


def test_those_who_are_held_leave_when_the_journey_is_ended(scene: Scene, inside: Any) -> None:
    pause(scene, inside, holds_inside=True)
    later(scene, hours=25)
    [walk] = enrolments()
    assert walk.due_at == holding.HELD

    with transaction() as session:
        journeys.set_status(session, journey_id=inside, status="ended", actor="staff:test", now=scene.now)
    later(scene, minutes=1)

    assert [walk.end_reason for walk in enrolments()] == ["journey_ended"]
