"""What ends a wait: the first event that counts, the time-out, an exit; also where the worker comes late."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core.db import transaction
from engage.walks.models import StepRun
from tests.engage.conftest import START, WEEK, Scene, drawn, enrolments, gift, runs, say, sent, vouchers_of, wait

DAY = 24 * 3600
ORDER = "order.completed"


def reason(step: str) -> dict[str, object]:
    with transaction() as session:
        [told] = session.scalars(select(StepRun).where(StepRun.step == step)).one().reasons
        return told


def waiting_for_an_order(scene: Scene, **more: object) -> UUID:
    """A customer who waits a week for another order, let in by one."""
    customer_id = scene.customer()
    steps = {"rest": wait(WEEK, for_event=ORDER, on_event="thanks", on_timeout="miss", **more),
             "thanks": say("Thanks"), "miss": say("We miss you")}  # fmt: skip
    scene.publish(drawn("rest", steps))
    scene.happen(scene.order(customer_id))
    return customer_id


def test_wait_takes_the_first_event_after_entering_the_step(scene: Scene) -> None:
    customer_id = waiting_for_an_order(scene)
    scene.read()
    scene.move(days=1)

    _, first, _ = scene.happen(
        scene.order(customer_id, occurred_at=START - timedelta(seconds=1)),
        scene.order(customer_id, occurred_at=START + timedelta(seconds=1)),
        scene.order(customer_id),
    )
    scene.read()

    assert runs() == [("rest", "event"), ("thanks", "sent")]
    assert reason("rest")["event_id"] == str(first)


def test_an_event_reaches_the_walk_that_began_in_the_same_batch(scene: Scene) -> None:
    customer_id = waiting_for_an_order(scene)
    scene.happen(scene.order(customer_id))

    scene.read()

    assert runs() == [("rest", "event"), ("thanks", "sent")]


def test_a_worker_that_comes_late_counts_from_what_let_the_customer_in(scene: Scene) -> None:
    customer_id = waiting_for_an_order(scene)
    scene.move(hours=5)
    scene.read()

    scene.happen(scene.order(customer_id, occurred_at=START + timedelta(hours=1)))
    scene.read()

    assert runs() == [("rest", "event"), ("thanks", "sent")]
    assert reason("rest")["code"] == "event"


def test_an_event_that_was_told_late_looks_for_what_happened_since(scene: Scene) -> None:
    customer_id = scene.customer()
    steps = {"rest": wait(WEEK, for_event="voucher.issued", on_event="thanks"), "thanks": say("Thanks")}
    scene.publish(drawn("rest", steps))
    other = scene.coupon()
    scene.move(hours=1)
    issued_in_between(scene, customer_id, other)
    scene.read()
    scene.move(hours=1)

    scene.happen(scene.order(customer_id, occurred_at=START))
    scene.read()

    assert runs() == [("rest", "event"), ("thanks", "sent")]
    assert reason("rest")["code"] == "happened_before"


def test_look_back_takes_what_came_before(scene: Scene) -> None:
    inside, outside = scene.customers(2)
    steps = {"rest": wait(WEEK, for_event="voucher.issued", look_back_seconds=3600, on_event="thanks"),
             "thanks": say("Thanks")}  # fmt: skip
    scene.publish(drawn("rest", steps))
    campaign_id = scene.coupon()
    issued_in_between(scene, outside, campaign_id)
    scene.move(seconds=1)
    issued_in_between(scene, inside, campaign_id)
    scene.read()
    scene.move(hours=1)

    scene.happen(scene.order(inside), scene.order(outside))
    scene.read()

    assert (runs(inside)[0], runs(outside)[0]) == (("rest", "event"), ("rest", "waiting"))


def test_what_was_read_between_a_time_out_and_its_worker_ends_the_next_wait(scene: Scene) -> None:
    customer_id = scene.customer()
    steps = {"rest": wait(DAY, on_timeout="ask"),
             "ask": wait(DAY, for_event=ORDER, on_event="thanks"), "thanks": say("Thanks")}  # fmt: skip
    scene.publish(drawn("rest", steps))
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(days=1, seconds=5)
    scene.happen(scene.order(customer_id, occurred_at=scene.now - timedelta(seconds=5)))
    scene.read()
    assert runs() == [("rest", "waiting")]

    scene.work()

    assert runs() == [("rest", "timeout"), ("ask", "event"), ("thanks", "sent")]


def test_an_event_ends_one_wait_and_not_the_next_as_well(scene: Scene) -> None:
    customer_id = scene.customer()
    steps = {"one": wait(WEEK, for_event=ORDER, on_event="two"), "two": wait(WEEK, for_event=ORDER, on_event=None)}
    scene.publish(drawn("one", steps))
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(hours=1)

    scene.happen(scene.order(customer_id))
    scene.read()

    assert runs() == [("one", "event"), ("two", "waiting")]


def test_an_exit_ends_a_thirty_day_wait_at_once(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(
        drawn("rest", {"rest": wait(30 * DAY, on_timeout="hi"), "hi": say("Hi")}, exit_when=[{"event": ORDER}])
    )
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(days=1)
    scene.happen(scene.order(customer_id, occurred_at=START - timedelta(seconds=1)))
    scene.read()
    assert enrolments()[0].state == "waiting"

    scene.happen(scene.order(customer_id))
    scene.read()

    [walk] = enrolments()
    assert (walk.state, walk.end_reason, walk.ended_at) == ("ended", f"exit: {ORDER}", scene.now)
    assert runs() == [("rest", "exited")]
    assert sent() == []


def test_no_plain_delay_is_over_before_an_exit_in_the_log_was_read(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(drawn("rest", {"rest": wait(DAY, on_timeout="hi"), "hi": say("Hi")}, exit_when=[{"event": ORDER}]))
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(hours=23)
    scene.happen(scene.order(customer_id))
    scene.move(hours=2)

    scene.work()
    assert enrolments()[0].state == "waiting"
    scene.read()

    assert (runs(), sent()) == ([("rest", "exited")], [])


def test_a_clock_that_is_years_ahead_moves_walks_as_if_it_were_now(scene: Scene) -> None:
    customer_id = scene.customer()
    years = timedelta(days=3 * 365)
    steps = {"rest": wait(DAY, for_event=ORDER, on_event="more"), "more": wait(DAY)}
    goal = {"event": ORDER, "within_seconds": DAY}
    scene.publish(drawn("rest", steps, goal=goal, exit_when=[{"event": "voucher.redeemed"}]))
    scene.happen(scene.order(customer_id, occurred_at=scene.now + years))
    scene.read()
    scene.move(hours=1)
    scene.happen(scene.order(customer_id, occurred_at=scene.now + years))
    scene.read()
    assert runs() == [("rest", "event"), ("more", "waiting")]
    assert enrolments()[0].converted_at == scene.now
    scene.move(hours=1)

    scene.happen(scene.redemption(customer_id, scene.coupon()))
    scene.read()

    assert (runs()[1], enrolments()[0].state) == (("more", "exited"), "ended")


def test_two_of_a_batch_who_run_out_of_budget_are_told_apart(scene: Scene) -> None:
    customers = scene.customers(50)
    campaign_id = scene.gift_card(budget_minor=20 * 1000)
    scene.publish(
        drawn("gift", {"gift": gift(campaign_id, next="tell", on_refused="sorry"),
                       "tell": say("Your code: {{ voucher.code }}"), "sorry": say("Next time")})
    )  # fmt: skip

    scene.happen(*[scene.order(customer_id) for customer_id in customers])
    scene.read()

    assert sum(len(vouchers_of(customer_id)) for customer_id in customers) == 20
    assert sorted(set(runs())) == [("gift", "issued"), ("gift", "refused"), ("sorry", "sent"), ("tell", "sent")]
    assert len(sent()) == len(enrolments()) == 50


def issued_in_between(scene: Scene, customer_id: UUID, campaign_id: UUID) -> None:
    from rewards import vouchers
    from rewards.vouchers import Issue

    with transaction() as session:
        vouchers.issue(
            session,
            Issue(campaign_id=campaign_id, customer_id=customer_id, source=f"test:{customer_id}"),
            now=scene.now,
        )


def test_no_delay_is_over_before_those_who_keep_the_facts_have_read_what_a_branch_asks_for(scene: Scene) -> None:
    """After an outage: who has bought meanwhile is not asked to."""
    customer_id = scene.customer()
    bought = {"profile": "orders", "is": "at_least", "value": 2}
    steps = {"rest": wait(DAY, on_timeout="which"),
             "which": {"kind": "branch", "paths": [{"when": bought, "to": "thanks"}], "else": "ask"},
             "thanks": say("Thanks"), "ask": say("Come again")}  # fmt: skip
    scene.publish(drawn("rest", steps))
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(hours=1)
    scene.happen(scene.order(customer_id))
    scene.move(days=1)

    scene.work()
    assert runs() == [("rest", "waiting")]
    scene.read()
    scene.move(minutes=1)
    scene.work()

    assert runs() == [("rest", "timeout"), ("which", "done"), ("thanks", "sent")]
