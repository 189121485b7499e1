"""Walks under the contact policy: who is written to often enough goes on, and what they were spared is told."""

import threading
from datetime import timedelta

from core.db import transaction
from engage.contacting import policy
from tests.engage.conftest import Scene, drawn, enrolments, reasons, runs, say, sent, wait
from tests.engage.walks.test_exactly_once import at_once


def capped(scene: Scene, most: int) -> None:
    with transaction() as session:
        terms = {"caps": [{"channel": "any", "per": "day", "most": most}]}
        policy.put(session, terms, revision=0, actor="staff:test", now=scene.now)


def test_a_capped_step_is_skipped_and_advances(scene: Scene) -> None:
    customer_id = scene.customer()
    capped(scene, 1)
    scene.publish(drawn("one", {"one": say("One", next="two"), "two": say("Two", next="bye"), "bye": {"kind": "exit"}}))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert runs() == [("one", "sent"), ("two", "skipped"), ("bye", "done")]
    assert reasons("two") == ["capped"]
    assert len(sent()) == 1
    assert enrolments()[0].state == "ended"


def test_a_transactional_message_passes_the_cap(scene: Scene) -> None:
    customer_id = scene.customer()
    capped(scene, 1)
    scene.publish(drawn("one", {"one": say("One", next="two"), "two": say("Two", purpose="transactional")}))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert runs() == [("one", "sent"), ("two", "sent")]


def test_two_journeys_share_a_cap_over_batches_and_days(scene: Scene) -> None:
    customer_id = scene.customer()
    capped(scene, 1)
    for name in ("one", "two"):
        scene.publish(drawn(name, {name: say(name)}, re_entry={"once_per": "order_id"}))

    for _ in range(2):
        scene.happen(scene.order(customer_id))
        scene.read()
        scene.now += timedelta(days=1)

    assert sorted(outcome for _, outcome in runs()) == ["sent", "sent", "skipped", "skipped"]


def test_two_workers_at_once_do_not_pass_a_cap(scene: Scene) -> None:
    """One reads the events that write, the other wakes those whose delay is over; each customer hears of one."""
    people = scene.customers(20)
    scene.publish(drawn("rest", {"rest": wait(60, on_timeout="later"), "later": say("Later")}))
    scene.happen(*[scene.order(customer_id, occurred_at=scene.now) for customer_id in people])
    scene.read()
    scene.publish(drawn("now", {"now": say("Now")}))
    capped(scene, 1)
    scene.move(minutes=1)
    scene.happen(*[scene.order(customer_id) for customer_id in people])

    both = iter([scene.read, scene.work])
    taking = threading.Lock()

    def one_of_both() -> None:
        with taking:
            mine = next(both)
        mine()

    at_once(one_of_both, workers=2)
    scene.read()
    scene.move(seconds=2)
    scene.work()

    for customer_id in people:
        assert sorted(outcome for step, outcome in runs(customer_id) if step != "rest") == ["sent", "skipped"]
    assert len(sent()) == len(people)
