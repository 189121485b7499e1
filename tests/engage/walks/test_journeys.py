"""A customer's way through a journey: entry, the voucher and its message, both branches, the end."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core.db import transaction
from core.events.log import EventRow
from rewards.models import VoucherRow
from rewards.vouchers import codes
from rewards.vouchers import rows as voucher_rows
from tests.engage.conftest import (
    START,
    WEEK,
    Scene,
    both_branches,
    enrolments,
    gift,
    journey,
    runs,
    say,
    sent,
    vouchers_of,
)


def test_an_order_brings_a_voucher_and_a_message_with_its_code(scene: Scene) -> None:
    customer_id = scene.customer(tokens=["token-1", "token-2"])
    scene.publish(both_branches(scene.coupon()))
    scene.happen(scene.order(customer_id))

    scene.read()

    [voucher_id] = vouchers_of(customer_id)
    assert runs() == [("gift", "issued"), ("tell", "sent"), ("wait", "waiting")]
    assert sorted((channel, token) for channel, token, _ in sent()) == [("push", "token-1"), ("push", "token-2")]
    assert {content["body"] for _, _, content in sent()} == {f"Your code: {code_of(voucher_id)}"}
    [walk] = enrolments()
    assert (walk.state, walk.step, walk.awaited_event) == ("waiting", "wait", "voucher.redeemed")
    assert walk.timeout_at == START + timedelta(seconds=WEEK)


def test_a_redemption_in_time_takes_the_branch_of_the_event(scene: Scene) -> None:
    customer_id = entered(scene)
    scene.move(days=2)
    scene.happen(scene.redemption(customer_id, vouchers_of(customer_id)[0]))

    scene.read()

    assert runs() == [("gift", "issued"), ("tell", "sent"), ("wait", "event"), ("thank", "sent")]
    assert (enrolments()[0].state, enrolments()[0].end_reason) == ("ended", "finished")


def test_the_redemption_of_another_voucher_ends_no_wait(scene: Scene) -> None:
    customer_id = entered(scene)
    scene.happen(scene.redemption(customer_id, scene.coupon()))

    scene.read()

    assert enrolments()[0].state == "waiting"


def test_a_wait_ends_at_its_time_out_and_reminds(scene: Scene) -> None:
    customer_id = entered(scene)
    scene.move(seconds=WEEK)

    scene.work()

    assert runs() == [("gift", "issued"), ("tell", "sent"), ("wait", "timeout"), ("remind", "sent")]
    code = code_of(vouchers_of(customer_id)[0])
    assert sent()[-1][2]["body"].startswith(f"Still yours: {code} http")


def test_a_wait_does_not_end_a_second_before_its_time_out(scene: Scene) -> None:
    entered(scene)
    scene.move(seconds=WEEK - 1)

    scene.work()

    assert enrolments()[0].state == "waiting"


def test_no_time_out_is_decided_before_the_redemption_in_the_log_was_read(scene: Scene) -> None:
    customer_id = entered(scene)
    scene.move(seconds=WEEK)
    scene.happen(scene.redemption(customer_id, vouchers_of(customer_id)[0], at=scene.now - timedelta(seconds=1)))
    scene.move(hours=3)

    scene.work()
    assert enrolments()[0].state == "waiting"
    scene.read()
    scene.move(seconds=2)
    scene.work()

    assert runs()[2:] == [("wait", "event"), ("thank", "sent")]


def test_a_redemption_after_the_time_out_is_too_late_even_if_read_first(scene: Scene) -> None:
    customer_id = entered(scene)
    scene.move(seconds=WEEK + 1)
    scene.happen(scene.redemption(customer_id, vouchers_of(customer_id)[0]))

    scene.read()
    scene.work()

    assert runs()[2:] == [("wait", "timeout"), ("remind", "sent")]


def test_a_voucher_redeemed_during_a_delay_ends_the_later_wait_at_once(scene: Scene) -> None:
    customer_id = scene.customer()
    steps = both_branches(scene.coupon())["steps"]
    steps["tell"]["next"] = "delay"
    steps["delay"] = {"kind": "wait", "timeout_seconds": 3600, "on_timeout": "wait"}
    scene.publish(journey("gift", steps))
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.happen(scene.redemption(customer_id, vouchers_of(customer_id)[0]))
    scene.read()
    scene.move(hours=1)

    scene.work()

    assert runs()[-3:] == [("delay", "timeout"), ("wait", "event"), ("thank", "sent")]


def test_any_event_can_be_awaited_from_the_moment_the_wait_begins(scene: Scene) -> None:
    customer_id = scene.customer()
    big = {"field": "total_minor", "is": "at_least", "value": 9000}
    wait = {
        "kind": "wait", "for_event": "order.completed", "where": big, "timeout_seconds": 60, "on_event": "thank",
    }  # fmt: skip
    scene.publish(journey("wait", {"wait": wait, "thank": say("Thanks")}))
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.move(seconds=10)

    scene.happen(scene.order(customer_id, total_minor=9000, occurred_at=scene.now - timedelta(seconds=11)))
    scene.happen(scene.order(customer_id, total_minor=8999))
    scene.read()
    assert enrolments()[0].state == "waiting"
    scene.happen(scene.order(customer_id, total_minor=9000))
    scene.read()

    assert runs() == [("wait", "event"), ("thank", "sent")]


def test_only_events_that_meet_the_condition_enter(scene: Scene) -> None:
    below, at = scene.customer(), scene.customer()
    graph = journey("hi", {"hi": say("Hi")})
    graph["trigger"]["where"] = {"field": "total_minor", "is": "at_least", "value": 5000}
    scene.publish(graph)
    scene.happen(scene.order(below, total_minor=4999), scene.order(at, total_minor=5000))

    scene.read()

    assert [walk.customer_id for walk in enrolments()] == [at]


def test_what_happened_before_a_journey_was_opened_enters_nobody(scene: Scene) -> None:
    before, at = scene.customers(2)
    scene.happen(scene.order(before, occurred_at=scene.now - timedelta(seconds=1)), scene.order(at))
    scene.publish(journey("hi", {"hi": say("Hi")}))

    scene.read()

    assert [walk.customer_id for walk in enrolments()] == [at]


def test_a_customer_enters_once_by_default(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(journey("hi", {"hi": say("Hi")}))
    scene.happen(scene.order(customer_id), scene.order(customer_id))
    scene.read()
    scene.happen(scene.order(customer_id))
    scene.read()

    assert len(enrolments()) == 1
    assert len(sent()) == 1


def test_a_customer_enters_once_for_each_key(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(journey("hi", {"hi": say("Hi")}, re_entry={"once_per": "order_id"}))
    first = scene.order(customer_id)
    scene.happen(first, scene.order(customer_id), first)

    scene.read()

    assert len(enrolments()) == 2


def test_two_vouchers_in_one_journey_are_issued_in_one_transaction(scene: Scene) -> None:
    customer_id = scene.customer()
    campaign_id = scene.gift_card(budget_minor=10_000)
    scene.publish(
        journey("one", {"one": gift(campaign_id, next="two"), "two": gift(campaign_id, next="hi"), "hi": say("Hi")})
    )
    scene.happen(scene.order(customer_id))

    scene.read()

    assert runs() == [("one", "issued"), ("two", "issued"), ("hi", "sent")]
    assert len(set(vouchers_of(customer_id))) == 2


def test_an_enrolment_finishes_the_version_that_it_entered(scene: Scene) -> None:
    early, late = scene.customer(), scene.customer()
    delay = {"kind": "wait", "timeout_seconds": 60, "on_timeout": "hi"}
    journey_id = scene.publish(journey("delay", {"delay": delay, "hi": say("First")}))
    scene.happen(scene.order(early))
    scene.read()
    scene.publish(journey("delay", {"delay": delay, "hi": say("Second")}), journey_id=journey_id)
    scene.happen(scene.order(late))
    scene.read()
    scene.move(minutes=1)

    scene.work()

    assert sorted(content["body"] for _, _, content in sent()) == ["First", "Second"]


def test_what_a_journey_does_names_its_cause(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(both_branches(scene.coupon()))
    [order_id] = scene.happen(scene.order(customer_id))

    scene.read()

    with transaction() as session:
        ours = ("journey.entered", "journey.step_done", "voucher.issued")
        facts = session.scalars(select(EventRow).where(EventRow.name.in_(ours))).all()
        assert sorted(fact.name for fact in facts) == [
            "journey.entered", "journey.step_done", "journey.step_done", "voucher.issued",
        ]  # fmt: skip
        assert {(fact.caused_by, fact.depth) for fact in facts} == {(order_id, 1)}


def test_an_event_at_the_end_of_a_long_chain_enters_nothing(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(journey("hi", {"hi": say("Hi")}))
    scene.happen(scene.order(customer_id, depth=11))

    scene.read()

    assert enrolments() == []


def entered(scene: Scene) -> UUID:
    """A customer who has the voucher and its message and stands at the wait."""
    customer_id = scene.customer()
    scene.publish(both_branches(scene.coupon()))
    scene.happen(scene.order(customer_id))
    scene.read()
    return customer_id


def code_of(voucher_id: UUID) -> str:
    with transaction() as session:
        row = session.get_one(VoucherRow, voucher_id)
        code = voucher_rows.open_code(
            session, voucher_id=row.id, campaign_id=row.campaign_id, customer_id=row.customer_id,
            ciphertext=row.code_ciphertext,
        )  # fmt: skip
        return codes.display(code)
