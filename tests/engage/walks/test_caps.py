"""Walks under the contact policy: who is written to often enough goes on, and what they were spared is told."""

from datetime import timedelta

from core.db import transaction
from engage.contacting import policy
from tests.engage.conftest import Scene, drawn, enrolments, reasons, runs, say, sent


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
