"""Who enters a journey, how often, in which arm; and who stays outside, and why."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import ids
from core.db import transaction
from engage.contacting import control, policy
from engage.contacting.policy import Policy
from engage.walks import entering, refusals
from engage.walks.models import RefusedEntry
from rewards.baskets import Line
from tests.engage.conftest import START, WEEK, Scene, drawn, enrolments, runs, say, sent, wait
from tests.suspending import suspend

DAY = 24 * 3600


def kept_outside(customer_id: UUID) -> list[str]:
    """The codes of why they stayed outside, the latest first."""
    with transaction() as session:
        query = select(RefusedEntry).where(RefusedEntry.customer_id == customer_id).order_by(RefusedEntry.at.desc())
        return [one.reasons[0]["code"] for one in session.scalars(query)]


def two_days(re_entry: Any) -> dict[str, Any]:
    return drawn("rest", {"rest": wait(2 * DAY, on_timeout="hi"), "hi": say("Hi")}, re_entry=re_entry)


def test_the_same_key_enters_once_and_its_events_reach_the_running_walk(scene: Scene) -> None:
    customer_id = scene.customer()
    steps = {
        "rest": wait(WEEK, for_event="order.completed", same_key="order_id", on_event="again"),
        "again": say("You came back to it"),
    }
    scene.publish(drawn("rest", steps, re_entry={"once_per": "order_id"}))
    first, other = ids.new(), ids.new()
    scene.happen(scene.order(customer_id, order_id=first))
    scene.read()

    scene.happen(scene.order(customer_id, order_id=other))
    scene.read()
    assert [walk.state for walk in enrolments()] == ["waiting", "waiting"]
    scene.happen(scene.order(customer_id, order_id=first))
    scene.read()

    assert [(walk.entry_key, walk.state) for walk in enrolments()] == [(str(first), "ended"), (str(other), "waiting")]
    assert kept_outside(customer_id) == []


def test_reentry_after_exit(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(two_days("after_exit"))
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(seconds=2 * DAY - 1)
    scene.happen(scene.order(customer_id))
    scene.read()
    assert (len(enrolments()), kept_outside(customer_id)) == (1, ["still_inside"])

    scene.move(seconds=1)
    scene.work()
    scene.happen(scene.order(customer_id))
    scene.read()

    assert [walk.state for walk in enrolments()] == ["ended", "waiting"]


def test_reentry_after_an_interval_counts_from_the_entry(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(two_days({"after_seconds": WEEK}))
    scene.happen(scene.order(customer_id))
    scene.move(hours=3)  # the worker comes late, which makes nobody wait longer
    scene.read()
    scene.move(days=2)
    scene.work()

    scene.happen(scene.order(customer_id, occurred_at=START + timedelta(seconds=WEEK - 1)))
    scene.move(days=5)
    scene.read()
    assert (len(enrolments()), kept_outside(customer_id)) == (1, ["too_soon"])
    scene.happen(scene.order(customer_id, occurred_at=START + timedelta(seconds=WEEK)))
    scene.read()

    assert len(enrolments()) == 2


def test_two_entries_of_one_batch_follow_the_rule_as_well(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(two_days("after_exit"))

    scene.happen(scene.order(customer_id), scene.order(customer_id))
    scene.read()

    assert (len(enrolments()), kept_outside(customer_id)) == (1, ["still_inside"])


def test_who_ends_within_a_batch_may_enter_again_within_it(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(drawn("hi", {"hi": say("Hi")}, re_entry="after_exit"))

    scene.happen(scene.order(customer_id), scene.order(customer_id))
    scene.read()

    assert [walk.state for walk in enrolments()] == ["ended", "ended"]
    assert len(sent()) == 2


@pytest.mark.parametrize(("late_seconds", "enters"), [(3600, True), (3601, False)])
def test_an_event_that_is_told_too_late_lets_nobody_in(scene: Scene, late_seconds: int, enters: bool) -> None:
    customer_id = scene.customer()
    scene.publish(drawn("hi", {"hi": say("Hi")}, max_lateness_seconds=3600))
    scene.move(days=1)

    scene.happen(scene.order(customer_id, occurred_at=scene.now - timedelta(seconds=late_seconds)))
    scene.read()

    assert (len(enrolments()), kept_outside(customer_id)) == ((1, []) if enters else (0, ["late"]))


def test_late_event_converts_but_triggers_nothing(scene: Scene) -> None:
    customer_id = scene.customer()
    goal = {"event": "order.completed", "within_seconds": 3 * DAY}
    scene.publish(drawn("rest", {"rest": wait(DAY)}, goal=goal, re_entry={"once_per": "order_id"}))
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(days=5)

    scene.happen(scene.order(customer_id, occurred_at=START + timedelta(days=2)))
    scene.read()

    [walk] = enrolments()
    assert walk.converted_at == START + timedelta(days=2)
    assert kept_outside(customer_id) == ["late"]


def test_a_customer_walks_a_journey_a_hundred_times_at_once_at_most(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(drawn("rest", {"rest": wait(DAY)}, re_entry={"once_per": "order_id"}))
    scene.happen(*[scene.order(customer_id) for _ in range(entering.MOST_LIVE)])
    scene.read()
    assert kept_outside(customer_id) == []

    scene.happen(scene.order(customer_id))
    scene.read()

    assert (len(enrolments()), kept_outside(customer_id)) == (entering.MOST_LIVE, ["too_often_inside"])


def test_a_suspended_customer_enters_nothing(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(drawn("hi", {"hi": say("Hi")}))
    with transaction() as session:
        suspend(session, customer_id)

    scene.happen(scene.order(customer_id))
    scene.read()

    assert (enrolments(), kept_outside(customer_id)) == ([], ["suspended"])


@pytest.mark.parametrize(
    ("purpose", "arm", "outcome"), [("marketing", "control", "held_out"), ("transactional", "treated", "sent")]
)
def test_the_control_group_walks_marketing_without_its_effects(
    scene: Scene, purpose: str, arm: str, outcome: str
) -> None:
    with transaction() as session:
        policy.put(session, {"control_bps": 5_000}, revision=0, actor="staff:test", now=scene.now)
    ours = [c for c in scene.customers(20) if control.is_in(Policy(control_bps=5_000), c)]
    scene.publish(drawn("hi", {"hi": say("Hi", purpose=purpose)}, purpose=purpose))

    scene.happen(*[scene.order(customer_id) for customer_id in ours])
    scene.read()

    assert {walk.arm for walk in enrolments()} == {arm}
    assert set(runs()) == {("hi", outcome)}


def test_a_refused_entry_is_kept_for_a_quarter_of_a_year(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(drawn("hi", {"hi": say("Hi")}, max_lateness_seconds=1))
    scene.move(seconds=10)
    scene.happen(scene.order(customer_id, occurred_at=START))
    scene.read()

    refusals.sweep(scene.now + refusals.KEPT)
    assert kept_outside(customer_id) == ["late"]
    refusals.sweep(scene.now + refusals.KEPT + timedelta(seconds=1))

    assert kept_outside(customer_id) == []


def test_a_walk_remembers_what_brought_it_in(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(drawn("hi", {"hi": say("Hi")}))
    [event_id] = scene.happen(scene.order(customer_id, total_minor=4200))

    scene.read()

    [walk] = enrolments()
    assert {name: walk.context[name] for name in ("event", "id", "at")} == {
        "event": "order.completed", "id": str(event_id), "at": START.isoformat(),
    }  # fmt: skip
    assert walk.context["payload"]["total_minor"] == 4200


def test_a_long_payload_is_remembered_in_part(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(drawn("hi", {"hi": say("Hi")}))
    line = Line("x" * 60, "tea", "1", 1, unit="pc")
    scene.happen(scene.order(customer_id, lines=[line] * 60))

    scene.read()

    payload = enrolments()[0].context["payload"]
    assert "lines" not in payload
    assert payload["total_minor"] == 5000
