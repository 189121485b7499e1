"""What steps ask for: facts, credit, a variant, a clock, a trait; answered for a whole batch, one posting for all."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from auth import customers
from core.db import connection_of, transaction
from core.events.log import EventRow
from engage.contacting import policy
from engage.journeys.models import Journey
from engage.walks import carrying
from engage.walks.models import RefusedEntry, StepRun
from tests.engage.conftest import Scene, drawn, enrolments, gift, reasons, runs, say, sent, vouchers_of, wait
from wallet import checks

REGULAR = {"profile": "orders", "is": "at_least", "value": 2}


def test_a_branch_goes_by_what_is_known_of_the_customer(scene: Scene) -> None:
    new, regular = scene.customers(2)
    steps = {"which": {"kind": "branch", "paths": [{"when": REGULAR, "to": "again"}], "else": "first"},
             "again": say("Welcome back"), "first": say("Welcome")}  # fmt: skip
    scene.happen(scene.order(regular))
    scene.read_profiles()
    scene.publish(drawn("which", steps))
    scene.happen(scene.order(new), scene.order(regular))
    scene.read_profiles()

    scene.read()

    assert runs(new) == [("which", "done"), ("first", "sent")]
    assert runs(regular) == [("which", "done"), ("again", "sent")]


def test_an_audience_keeps_others_outside_and_says_so(scene: Scene) -> None:
    new, regular = scene.customers(2)
    scene.happen(scene.order(regular))
    scene.read_profiles()
    scene.publish(drawn("hi", {"hi": say("Hi")}, audience=REGULAR))
    scene.happen(scene.order(new), scene.order(regular))
    scene.read_profiles()

    scene.read()

    assert [walk.customer_id for walk in enrolments()] == [regular]
    with transaction() as session:
        kept = session.scalars(select(RefusedEntry).where(RefusedEntry.customer_id == new)).one()
    assert kept.reasons[0]["code"] == "not_in_audience"


def test_credit_and_a_card_of_many_customers_are_posted_at_once(scene: Scene) -> None:
    people = scene.customers(5)
    credit = {"kind": "credit", "amount_minor": 300, "currency": "USD", "days": 30, "next": "gift"}
    scene.publish(drawn("credit", {"credit": credit, "gift": gift(scene.gift_card(budget_minor=5_000))}))
    scene.happen(*[scene.order(customer_id) for customer_id in people])

    scene.read()

    assert set(runs()) == {("credit", "credited"), ("gift", "issued")}
    with transaction() as session:
        connection = connection_of(session)
        held = connection.execute(
            "SELECT sum(b.posted) FROM wallet.balance b JOIN wallet.account a ON a.id = b.account_id"
            " WHERE a.purpose = 'promotional'"
        ).fetchone()
        assert held is not None
        assert held[0] == 5 * 300
        assert checks.first_difference(connection) is None


def test_what_a_journey_may_not_give_any_more_is_refused_and_it_stops(scene: Scene) -> None:
    people = scene.customers(3)
    journey_id = scene.publish(drawn("gift", {"gift": gift(scene.gift_card(budget_minor=100_000))}))
    with transaction() as session:
        session.get_one(Journey, journey_id).spend = {"most_minor": 2_000, "per": "ever", "currency": "USD"}
    scene.happen(*[scene.order(customer_id) for customer_id in people])

    scene.read()

    assert sorted(runs()) == [("gift", "issued"), ("gift", "issued"), ("gift", "refused")]
    assert sum(len(vouchers_of(customer_id)) for customer_id in people) == 2
    with transaction() as session:
        assert session.get_one(Journey, journey_id).status == "paused"


def test_a_variant_is_kept_for_all_that_follows_it(scene: Scene) -> None:
    people = scene.customers(20)
    ways = [{"name": "warm", "bps": 5000, "to": "hi"}, {"name": "plain", "bps": 5000, "to": "hi"}]
    scene.publish(
        drawn("try", {"try": {"kind": "ab", "variants": ways}, "hi": say("Hi", next="rest"), "rest": wait(60)})
    )
    scene.happen(*[scene.order(customer_id) for customer_id in people])
    scene.read()
    scene.move(minutes=1)
    scene.work()

    with transaction() as session:
        by_step: dict[str, dict[Any, Any]] = {}
        for run in session.scalars(select(StepRun)):
            by_step.setdefault(run.step, {})[run.customer_id] = run.variant
        facts = list(session.scalars(select(EventRow.payload).where(EventRow.name == "journey.step_done")))
    assert by_step["try"] == by_step["hi"] == by_step["rest"]
    assert set(by_step["try"].values()) == {"warm", "plain"}
    assert {fact["variant"] for fact in facts} == {"warm", "plain"}
    assert all(set(walk.variants) == {"try"} for walk in enrolments())


def test_a_wait_until_goes_by_the_customers_own_clock(scene: Scene) -> None:
    customer_id = scene.customer()
    with transaction() as session:
        customers.change(session, customer_id, changes={"time_zone": "Asia/Tokyo"}, now=scene.now)
    steps = {"morning": {"kind": "wait_until", "local_time": "09:00", "next": "hi"}, "hi": say("Hi")}
    scene.publish(drawn("morning", steps))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert enrolments()[0].timeout_at == datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
    scene.now = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)
    scene.work()
    assert runs() == [("morning", "timeout"), ("hi", "sent")]


def test_a_message_may_skip_the_customers_quiet_hours(scene: Scene) -> None:
    customer_id = scene.customer()
    with transaction() as session:
        quiet = {"quiet": {"from": "06:00", "to": "20:00"}}
        policy.put(session, quiet, revision=0, actor="staff:test", now=scene.now)
        customers.change(session, customer_id, changes={"time_zone": "UTC"}, now=scene.now)
    steps = {"one": say("One", quiet="skip", next="two"), "two": say("Two", quiet="hold")}
    scene.publish(drawn("one", steps))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert (runs(), reasons("one")) == ([("one", "skipped"), ("two", "sent")], ["quiet"])
    with transaction() as session:
        due = session.execute(text("SELECT due_at FROM core.message")).scalar_one()
    assert timedelta(hours=8) <= due - scene.now < timedelta(hours=9)  # each customer at their own moment after the end
    assert len(sent()) == 1


def test_a_branch_right_after_a_trait_was_set_goes_by_it(scene: Scene) -> None:
    """The reader that writes traits has not come yet; a backtest would go the same way."""
    customer_id = scene.customer()
    is_gold = {"trait": "plan", "is": "equals", "value": "gold"}
    steps = {
        "mark": {"kind": "update_trait", "name": "plan", "value": "gold", "next": "which"},
        "which": {"kind": "branch", "paths": [{"when": is_gold, "to": "hi"}], "else": "sorry"},
        "hi": say("Hi"),
        "sorry": say("Sorry"),
    }
    scene.publish(drawn("mark", steps))
    scene.happen(scene.order(customer_id))

    scene.read()

    assert runs() == [("mark", "done"), ("which", "done"), ("hi", "sent")]


def test_a_message_right_after_a_trait_was_set_says_it_and_one_before_does_not(scene: Scene) -> None:
    steps = {
        "silver": {"kind": "update_trait", "name": "plan", "value": "silver", "next": "was"},
        "was": say("Now {{ traits.plan }}", next="mark"),
        "mark": {"kind": "update_trait", "name": "plan", "value": "gold", "next": "is"},
        "is": say("Now {{ traits.plan }}"),
    }
    scene.publish(drawn("silver", steps))
    scene.happen(scene.order(scene.customer()))

    scene.read()

    assert [content["body"] for _, _, content in sent()] == ["Now silver", "Now gold"]


def test_a_trait_that_a_step_sets_is_the_customers_at_the_next_branch(scene: Scene) -> None:
    customer_id = scene.customer()
    steps = {
        "mark": {"kind": "update_trait", "name": "plan", "value": "gold", "next": "rest"},
        "rest": wait(60, on_timeout="which"),
        "which": {
            "kind": "branch",
            "paths": [{"when": {"trait": "plan", "is": "equals", "value": "gold"}, "to": "hi"}],
        },
        "hi": say("Hi"),
    }
    scene.publish(drawn("mark", steps))
    scene.happen(scene.order(customer_id))
    scene.read()
    scene.read_profiles()
    scene.move(minutes=1)

    scene.work()

    assert runs() == [("mark", "done"), ("rest", "timeout"), ("which", "done"), ("hi", "sent")]


def test_a_walk_that_asks_very_often_goes_on_in_the_next_transaction(scene: Scene) -> None:
    customer_id = scene.customer()
    campaign_id = scene.gift_card(budget_minor=100_000)
    asks = carrying.MOST_ROUNDS + 2
    steps = {f"gift{place}": gift(campaign_id, next=f"gift{place + 1}") for place in range(asks)}
    scene.publish(drawn("gift0", {**steps, f"gift{asks}": say("{{ voucher.code }}")}))
    scene.happen(scene.order(customer_id))

    scene.read()
    assert (len(vouchers_of(customer_id)), enrolments()[0].state) == (carrying.MOST_ROUNDS, "ready")
    scene.work()

    assert len(vouchers_of(customer_id)) == asks
    assert [step for step, _ in runs()] == [*steps, f"gift{asks}"]
    assert enrolments()[0].state == "ended"


def test_those_held_out_ask_for_nothing(scene: Scene) -> None:
    customer_id = scene.customer()
    credit = {"kind": "credit", "amount_minor": 300, "currency": "USD", "days": 30, "next": "mark"}
    mark = {"kind": "update_trait", "name": "plan", "value": "gold", "next": "gift"}
    steps = {"credit": credit, "mark": mark, "gift": gift(scene.coupon())}
    scene.publish(drawn("credit", steps), holdout_bps=10_000)
    scene.happen(scene.order(customer_id))

    scene.read()

    assert runs() == [("credit", "held_out"), ("mark", "held_out"), ("gift", "held_out")]
    assert vouchers_of(customer_id) == []
