"""Versions are immutable; publishing says what becomes of those inside: they finish, are moved by a map, or leave."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core import ids
from core.db import transaction
from core.events import readers
from core.events.log import SLOTS, EventRow
from engage import journeys
from engage.journeys import drawing, moving
from engage.journeys.errors import MoveInvalid
from engage.journeys.models import JourneyVersion, VersionMove
from engage.walks import reactions as walks
from engage.walks.models import Enrolment, StepRun
from tests.engage.conftest import Scene, drawn, enrolments, gift, journey, reasons, runs, say, sent, wait

DAY = 24 * 3600


def waiting(days: int, *, name: str = "wait", then: str = "tell") -> dict[str, Any]:
    wait = {"kind": "wait", "timeout_seconds": days * DAY, "on_timeout": then}
    return journey(name, {name: wait, then: say(f"After {days} days")})


@pytest.fixture
def customer_id(scene: Scene) -> UUID:
    return scene.customer()


def enter(scene: Scene, journey_graph: dict[str, Any], *customer_ids: UUID) -> UUID:
    journey_id = scene.publish(journey_graph)
    scene.happen(*[scene.order(customer_id) for customer_id in customer_ids])
    scene.read()
    return journey_id


def publish(scene: Scene, journey_id: UUID, graph: dict[str, Any], inside: Any) -> UUID:
    with transaction() as session:
        version = journeys.publish(
            session, journey_id=journey_id, raw_graph=graph, raw_inside=inside, actor="staff:test", now=scene.now
        )
        return version.id


def move(scene: Scene) -> None:
    """Let all moves come to their end, with the minute that they wait for stragglers."""
    while moving.move_due(scene.now):
        pass
    scene.move(minutes=2)
    while moving.move_due(scene.now):
        pass


def moves() -> list[VersionMove]:
    with transaction() as session:
        return list(session.scalars(select(VersionMove).order_by(VersionMove.id)))


def test_who_stands_in_a_version_that_is_not_understood_any_more_can_be_let_out(
    scene: Scene, customer_id: UUID
) -> None:
    journey_id = enter(scene, waiting(7), customer_id)
    stale = ids.new()
    with transaction() as session:
        version = JourneyVersion(
            id=stale, journey_id=journey_id, number=2, graph={"trigger": {}}, published_by="staff:old",
            published_at=scene.now,
        )  # fmt: skip
        session.add(version)
        session.flush()
        session.execute(text("UPDATE engage.journey SET live_version_id = :id"), {"id": stale})
        session.execute(text("UPDATE engage.enrolment SET version_id = :id"), {"id": stale})

    publish(scene, journey_id, waiting(1), "exit")
    move(scene)

    assert [walk.end_reason for walk in enrolments()] == [moving.REPLACED]


def test_a_published_version_is_never_changed(scene: Scene) -> None:
    scene.publish(waiting(3))

    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text("UPDATE engage.journey_version SET number = 9"))


def test_those_inside_finish_the_version_that_they_entered(scene: Scene, customer_id: UUID) -> None:
    journey_id = enter(scene, waiting(3), customer_id)

    publish(scene, journey_id, waiting(30), "finish")
    move(scene)
    scene.move(days=3)
    scene.work()

    assert [content["body"] for _, _, content in sent()] == ["After 3 days"]
    assert moves() == []


def test_those_inside_are_moved_by_the_map_and_keep_the_time_that_they_waited(scene: Scene, customer_id: UUID) -> None:
    journey_id = enter(scene, waiting(30), customer_id)
    scene.move(days=2)

    version_id = publish(scene, journey_id, waiting(3, name="short", then="say"), {"migrate": {"wait": "short"}})
    move(scene)
    scene.work()
    [walk] = enrolments()
    assert (walk.version_id, walk.step, walk.state) == (version_id, "short", "waiting")
    assert walk.moved_from is not None
    scene.move(days=1)
    scene.work()

    assert [content["body"] for _, _, content in sent()] == ["After 3 days"]
    assert runs() == [("wait", "moved"), ("short", "timeout"), ("say", "sent")]
    [done] = moves()
    assert (done.state, done.moved, done.ended) == ("done", 1, 0)


def test_one_who_waits_for_something_else_enters_the_new_step_afresh(scene: Scene, customer_id: UUID) -> None:
    journey_id = enter(scene, waiting(30), customer_id)
    scene.move(days=2)

    publish(scene, journey_id, journey("say", {"say": say("At once")}), {"migrate": {"wait": "say"}})
    move(scene)
    scene.work()

    assert [content["body"] for _, _, content in sent()] == ["At once"]
    assert runs() == [("wait", "moved"), ("say", "sent")]
    assert reasons("wait") == ["moved"]


def test_one_who_was_moved_hears_of_what_happens_before_a_worker_comes(scene: Scene, customer_id: UUID) -> None:
    journey_id = enter(scene, waiting(30), customer_id)
    steps = {"ask": wait(DAY, for_event="order.completed", on_event="thanks"), "thanks": say("Thanks")}
    publish(scene, journey_id, journey("ask", steps), {"migrate": {"wait": "ask"}})
    assert moving.move_due(scene.now) == 1
    scene.move(seconds=2)

    scene.happen(scene.order(customer_id))
    scene.read()
    scene.work()

    assert runs() == [("wait", "moved"), ("ask", "event"), ("thanks", "sent")]


def test_what_happened_before_one_was_moved_ends_no_wait(scene: Scene, customer_id: UUID) -> None:
    journey_id = enter(scene, waiting(30), customer_id)
    scene.move(seconds=1)
    scene.happen(scene.order(customer_id))
    scene.move(seconds=1)
    steps = {"ask": wait(DAY, for_event="order.completed", on_event="thanks"), "thanks": say("Thanks")}
    publish(scene, journey_id, journey("ask", steps), {"migrate": {"wait": "ask"}})
    assert moving.move_due(scene.now) == 1

    scene.read()
    scene.work()

    assert runs() == [("wait", "moved"), ("ask", "waiting")]


def test_a_step_mapped_to_nothing_leads_out_and_one_not_named_finishes(scene: Scene) -> None:
    out, stays = scene.customers(2)
    graph = journey(
        "which",
        {
            "which": {
                "kind": "branch",
                "paths": [{"when": {"field": "total_minor", "is": "at_least", "value": 9000}, "to": "long"}],
                "else": "wait",
            },
            "long": {"kind": "wait", "timeout_seconds": 30 * DAY},
            "wait": {"kind": "wait", "timeout_seconds": 3 * DAY, "on_timeout": "tell"},
            "tell": say("After 3 days"),
        },
    )
    journey_id = scene.publish({**graph, "re_entry": "never"})
    scene.happen(scene.order(out, total_minor=9000), scene.order(stays))
    scene.read()

    publish(scene, journey_id, waiting(30), {"migrate": {"long": None}})
    move(scene)
    scene.move(days=3)
    scene.work()

    states = {walk.customer_id: (walk.state, walk.end_reason) for walk in enrolments()}
    assert states[out] == ("ended", "version_replaced")
    assert states[stays] == ("ended", "finished")
    with transaction() as session:
        query = select(EventRow).where(EventRow.name == "journey.ended", EventRow.customer_id == out)
        told = session.scalars(query).all()
    assert [event.payload["reason"] for event in told] == ["version_replaced"]


def test_everyone_inside_leaves_every_earlier_version(scene: Scene) -> None:
    first, second = scene.customers(2)
    journey_id = enter(scene, waiting(30), first)
    publish(scene, journey_id, waiting(20), "finish")
    scene.happen(scene.order(second))
    scene.read()

    publish(scene, journey_id, waiting(3), "exit")
    move(scene)

    assert {walk.end_reason for walk in enrolments()} == {"version_replaced"}
    assert [(one.state, one.ended) for one in moves()] == [("done", 1), ("done", 1)]


def test_one_who_is_let_into_the_old_version_meanwhile_is_moved_too(scene: Scene, customer_id: UUID) -> None:
    journey_id = enter(scene, waiting(30), customer_id)
    publish(scene, journey_id, waiting(3), "exit")
    assert moving.move_due(scene.now) == 1
    [walk] = enrolments()
    straggler = scene.customer()
    with transaction() as session:
        late = Enrolment(
            id=ids.new(), journey_id=journey_id, version_id=walk.version_id, customer_id=straggler, entry_key="",
            state="waiting", due_at=scene.now + timedelta(days=9), step="wait", visit=1, step_entered_at=scene.now,
            timeout_at=scene.now + timedelta(days=9), depth=1, entered_at=scene.now, arm="treated",
        )  # fmt: skip
        session.add(late)

    move(scene)

    assert {one.end_reason for one in enrolments()} == {"version_replaced"}


def test_later_moves_of_a_journey_wait_for_the_earlier(scene: Scene, customer_id: UUID) -> None:
    journey_id = enter(scene, waiting(30), customer_id)
    publish(scene, journey_id, waiting(20, name="second"), {"migrate": {"wait": "second"}})
    third = publish(scene, journey_id, waiting(10, name="third"), {"migrate": {"second": "third"}})

    move(scene)
    move(scene)

    assert [(walk.version_id, walk.step) for walk in enrolments()] == [(third, "third")]


def test_two_workers_move_each_customer_once(scene: Scene) -> None:
    journey_id = enter(scene, waiting(30), *scene.customers(30))
    publish(scene, journey_id, waiting(20, name="second"), {"migrate": {"wait": "second"}})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: moving.move_due(scene.now), range(8)))
    move(scene)

    assert {(walk.step, walk.visit) for walk in enrolments()} == {("second", 2)}
    assert sum(one.moved for one in moves()) == 30


@pytest.mark.parametrize(
    ("inside", "pointer"),
    [
        ("stay", "/inside"), (None, "/inside"), ([], "/inside"), ({}, "/inside"), ({"migrate": []}, "/inside"),
        ({"migrate": {}}, "/inside/migrate"), ({"migrate": {"wiat": "second"}}, "/inside/migrate/wiat"),
        ({"migrate": {"wait": "secnd"}}, "/inside/migrate/wait"), ({"migrate": {"wait": 3}}, "/inside/migrate/wait"),
        ({"migrate": {"wait": ["second"]}}, "/inside/migrate/wait"), ({"exit": True}, "/inside"),
    ],
)  # fmt: skip
def test_a_faulty_map_is_named_and_nothing_is_published(scene: Scene, inside: Any, pointer: str) -> None:
    journey_id = scene.publish(waiting(30))

    with pytest.raises(MoveInvalid) as refused:
        publish(scene, journey_id, waiting(20, name="second"), inside)

    assert [error["pointer"] for error in refused.value.facts["errors"]] == [pointer]
    with transaction() as session:
        assert len(journeys.versions_of(session, journey_id)) == 1


def test_nobody_can_be_moved_into_a_first_version(scene: Scene) -> None:
    with transaction() as session:
        fresh = journeys.create(session, name="New", actor="staff:test", now=scene.now).id

    with pytest.raises(MoveInvalid):
        publish(scene, fresh, waiting(3), {"migrate": {"a": "b"}})


def test_nobody_is_moved_to_where_a_voucher_is_counted_on_without_one(scene: Scene) -> None:
    journey_id = scene.publish(waiting(30))
    steps = {"give": gift(scene.coupon(), next="name"), "name": say("{{ voucher.code }}")}

    with pytest.raises(MoveInvalid) as refused:
        publish(scene, journey_id, journey("give", steps), {"migrate": {"wait": "name"}})
    publish(scene, journey_id, journey("give", steps), {"migrate": {"wait": "give"}})

    assert "may hold no voucher" in refused.value.facts["errors"][0]["detail"]


def test_a_publication_under_way_keeps_nobody_from_entering(scene: Scene, customer_id: UUID) -> None:
    journey_id = scene.publish(waiting(30))
    scene.happen(scene.order(customer_id))
    scene.read_profiles()

    with transaction() as session:
        drawing.locked(session, journey_id)
        # Not to its end: what is announced meanwhile stays beyond the horizon.
        assert readers.run_batch(*walks.READERS, now=scene.now, slots=SLOTS)

    assert [walk.customer_id for walk in enrolments()] == [customer_id]


def tried(days: int, step: str, **more: Any) -> dict[str, Any]:
    """A trial, and then a wait under either variant."""
    ways = [{"name": "warm", "bps": 9_999, "to": step}, {"name": "plain", "bps": 1, "to": step}]
    rest = {"kind": "wait", "timeout_seconds": days * DAY}
    return drawn("try", {"try": {"kind": "ab", "variants": ways}, step: rest}, **more)


def test_one_who_goes_on_waiting_keeps_the_variant_and_takes_the_new_goal(scene: Scene, customer_id: UUID) -> None:
    journey_id = enter(scene, tried(30, "wait"), customer_id)
    entered_at = scene.now
    scene.move(days=2)
    goal = {"event": "payment.refunded", "within_seconds": 9 * DAY}

    publish(scene, journey_id, tried(20, "short", goal=goal), {"migrate": {"wait": "short"}})
    move(scene)

    [walk] = enrolments()
    assert (walk.step, walk.goal_until) == ("short", entered_at + timedelta(days=9))
    with transaction() as session:
        variants = session.execute(select(StepRun.step, StepRun.variant).order_by(StepRun.visit)).all()
        query = select(EventRow).where(EventRow.name == "journey.step_done")
        told = [event.payload for event in session.scalars(query) if event.payload["outcome"] == "moved"]
    [variant] = {variant for _, variant in variants}
    assert [step for step, _ in variants] == ["try", "wait", "short"]
    assert [(one["step"], one["kind"], one["variant"]) for one in told] == [("wait", "wait", variant)]


def test_one_who_is_moved_to_where_there_is_no_goal_has_none_and_who_converted_stays_so(scene: Scene) -> None:
    reached, has_none = scene.customers(2)
    goal = {"event": "voucher.redeemed", "within_seconds": 9 * DAY}
    journey_id = enter(scene, tried(30, "wait", goal=goal), reached, has_none)
    scene.happen(scene.redemption(reached, ids.new()))
    scene.read()

    publish(scene, journey_id, tried(20, "short"), {"migrate": {"wait": "short"}})
    move(scene)

    walks = {walk.customer_id: (walk.goal_until, walk.converted_at) for walk in enrolments()}
    assert walks == {reached: (None, scene.now - timedelta(minutes=2)), has_none: (None, None)}
