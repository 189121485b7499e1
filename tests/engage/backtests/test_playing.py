"""A journey played over the past does what it would have done: nothing is sent, nobody is given anything."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from core.db import transaction
from core.errors import InvalidInput
from core.events.log import slot_of
from engage.backtests import asking, forgetting, reading, work
from engage.backtests.errors import BacktestRefused
from engage.backtests.models import Backtest
from engage.backtests.work import play_due
from engage.contacting import policy
from engage.journeys import drawing
from engage.journeys.errors import JourneyInvalid
from engage.walks import entering
from engage.walks.models import Enrolment, StepRun
from tests.engage.conftest import START, Scene, drawn, gift, say, sent, vouchers_of, wait

DAY = 24 * 3600
ORDER = "order.completed"


def ask(scene: Scene, graph: dict[str, Any], *, days: int = 60) -> UUID:
    with transaction() as session:
        journey = drawing.create(session, name="Draft", holdout_bps=0, actor="staff:test", now=START)
        session.flush()
        backtest = asking.ask(
            session,
            journey_id=journey.id,
            raw_graph=graph,
            since=max(START - timedelta(seconds=1), scene.now - timedelta(days=days)),
            until=scene.now,
            actor="staff:test",
            now=scene.now,
        )
        return backtest.id


def play(scene: Scene, graph: dict[str, Any]) -> dict[str, Any]:
    backtest_id = ask(scene, graph)
    assert play_due(scene.now) == 1
    with transaction() as session:
        backtest = session.get_one(Backtest, backtest_id)
        assert (backtest.state, backtest.last_error, backtest.progress_bps) == ("done", None, 10_000)
        assert backtest.result is not None
        return backtest.result


def counted(listed: list[dict[str, Any]]) -> dict[str, int]:
    """What is listed, as number by name."""
    return {
        next(value for value in row.values() if isinstance(value, str)): next(
            value for value in row.values() if isinstance(value, int)
        )
        for row in listed
    }


def test_nothing_is_sent_and_nobody_enters(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.happen(scene.order(customer_id))
    scene.move(days=1)

    result = play(scene, drawn("gift", {"gift": gift(scene.coupon(), next="hi"), "hi": say("{{ voucher.code }}")}))

    assert (result["customers"], result["messages"], result["vouchers"]) == (1, 1, 1)
    assert (sent(), vouchers_of(customer_id)) == ([], [])
    with transaction() as session:
        assert session.execute(select(func.count()).select_from(Enrolment)).scalar_one() == 0


def test_a_backtest_finds_what_a_live_run_of_the_same_events_does(scene: Scene) -> None:
    """The same engine, the same answers: step for step, customer for customer."""
    graph = drawn(
        "gift",
        {
            "gift": gift(scene.coupon(), next="tell"),
            "tell": say("Your code: {{ voucher.code }}", next="rest"),
            "rest": wait(3 * DAY, for_event=ORDER, on_event="thanks", on_timeout="which"),
            "which": {
                "kind": "branch",
                "paths": [{"when": {"field": "total_minor", "is": "at_least", "value": 5000}, "to": "miss"}],
            },
            "miss": say("We miss you"),
            "thanks": say("Thanks", next="more"),
            "more": wait(DAY),
        },
        re_entry={"after_seconds": 5 * DAY},
        goal={"event": ORDER, "within_seconds": 4 * DAY},
    )
    people = scene.customers(12)
    live = scene.publish(graph)
    for day in range(20):
        scene.now = START + timedelta(days=day)
        for place, customer_id in enumerate(people):
            if (day * 7 + place * 5) % (3 + place % 4) == 0:
                scene.happen(scene.order(customer_id, total_minor=4000 + 500 * place))
                scene.read()
        for hour in range(1, 24, 2):
            scene.now = START + timedelta(days=day, hours=hour)
            scene.work()
    with transaction() as session:
        runs = session.execute(
            select(StepRun.step, StepRun.kind, StepRun.outcome, func.count()).group_by(
                StepRun.step, StepRun.kind, StepRun.outcome
            )
        ).all()
        by_customer = select(Enrolment.customer_id, func.count()).group_by(Enrolment.customer_id)
        entered = {row[0]: row[1] for row in session.execute(by_customer)}
        converted = session.execute(text("SELECT count(*) FROM engage.enrolment WHERE converted_at IS NOT NULL"))
        expected_conversions = converted.scalar_one()
        session.execute(text("UPDATE engage.journey SET status = 'ended' WHERE id = :id"), {"id": live})

    result = play(scene, graph)

    assert {(r["step"], r["kind"], r["outcome"]): r["visits"] for r in result["steps"]} == {
        (step, kind, outcome): number for step, kind, outcome, number in runs
    }
    with transaction() as session:
        listed = asking.customers(session, session.scalars(select(Backtest.id)).one(), after=None, limit=100)
        assert {one.customer_id: one.entries for one in listed} == entered
    assert counted(result["reached_the_goal_anyway"]) == {"treated": expected_conversions}
    assert result["messages"] == len(sent())
    assert len(entered) == 12


def test_caps_and_quiet_hours_are_told(scene: Scene) -> None:
    customer_id = scene.customer()
    for _ in range(3):
        scene.happen(scene.order(customer_id))
        scene.move(hours=1)
    with transaction() as session:
        terms = {"caps": [{"channel": "any", "per": "week", "most": 2}]}
        policy.put(session, terms, revision=0, actor="staff:test", now=scene.now)

    result = play(scene, drawn("hi", {"hi": say("Hi")}, re_entry={"once_per": "order_id"}))

    assert (result["entries"], result["messages"]) == (3, 2)
    assert counted(result["skipped"]) == {"capped": 1}
    assert result["messages_a_person"] == [{"messages": 2, "customers": 1}]


def test_those_without_consent_are_told_apart(scene: Scene) -> None:
    scene.happen(scene.order(scene.customer()), scene.order(scene.customer(consent=[])))
    scene.move(days=1)

    result = play(scene, drawn("hi", {"hi": say("Hi")}))

    assert (result["entries"], result["messages"]) == (2, 1)
    assert counted(result["skipped"]) == {"no_consent": 1}


def test_an_audience_is_asked_what_was_known_at_the_time(scene: Scene) -> None:
    """Today the customer has three orders; at each of them it had fewer."""
    customer_id = scene.customer()
    for _ in range(3):
        scene.happen(scene.order(customer_id))
        scene.move(days=1)
    scene.read_profiles()
    few = {"event": ORDER, "count": True, "is": "at_most", "value": 2}

    result = play(scene, drawn("hi", {"hi": say("Hi")}, audience=few, re_entry={"once_per": "order_id"}))

    assert result["entries"] == 2
    assert counted(result["stayed_outside"]) == {"not_in_audience": 1}


def test_what_was_before_the_span_lets_nobody_in(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.happen(scene.order(customer_id, occurred_at=START - timedelta(seconds=1)))
    scene.happen(scene.order(customer_id, occurred_at=START))
    scene.move(days=1)

    result = play(scene, drawn("rest", {"rest": wait(60)}, re_entry={"once_per": "order_id"}))

    assert (result["entries"], counted(result["ends"])) == (1, {"finished": 1})


def test_vouchers_cost_what_was_redeemed_of_earlier_ones(scene: Scene) -> None:
    scene.happen(*[scene.order(customer_id) for customer_id in scene.customers(3)])
    scene.move(days=1)

    result = play(scene, drawn("gift", {"gift": gift(scene.gift_card(budget_minor=100_000))}))

    [campaign] = result["campaigns"]
    assert (campaign["issued"], campaign["worth"]["amount_minor"]) == (3, 3000)
    assert campaign["expected_cost"] is None, "nobody has redeemed any yet"
    assert result["confidence"]["word"] == "low"


@pytest.mark.parametrize(("days", "is_fine"), [(366, True), (367, False)])
def test_a_year_is_the_most(scene: Scene, days: int, is_fine: bool) -> None:
    scene.move(days=400)
    graph = drawn("hi", {"hi": say("Hi")})

    if is_fine:
        ask(scene, graph, days=days)
    else:
        with pytest.raises(InvalidInput):
            ask(scene, graph, days=days)


def test_a_graph_with_faults_is_refused_with_all_of_them(scene: Scene) -> None:
    scene.move(days=1)

    with pytest.raises(JourneyInvalid):
        ask(scene, drawn("hi", {"hi": say("Hi", next="nowhere")}))


def test_a_journey_waits_for_four_at_most(scene: Scene) -> None:
    scene.move(days=1)
    journey_id = scene.publish(drawn("hi", {"hi": say("Hi")}))

    def again() -> None:
        with transaction() as session:
            asking.ask(
                session, journey_id=journey_id, raw_graph=None, since=START, until=scene.now, actor="staff:test",
                now=scene.now,
            )  # fmt: skip

    for _ in range(asking.MOST_UNFINISHED):
        again()
    with pytest.raises(BacktestRefused):
        again()


def test_a_backtest_whose_worker_died_is_played_again_and_counts_nobody_twice(scene: Scene) -> None:
    scene.happen(scene.order(scene.customer()))
    scene.move(days=1)
    backtest_id = ask(scene, drawn("hi", {"hi": say("Hi")}))
    with transaction() as session:
        session.execute(
            text(
                "UPDATE engage.backtest SET state = 'running', attempts = 1, lease_token = gen_random_uuid(),"
                " lease_until = :at; "
            ),
            {"at": scene.now - timedelta(seconds=1)},
        )
        session.execute(
            text("INSERT INTO engage.backtest_customer VALUES (:id, gen_random_uuid(), 1, 1, 0, 'finished')"),
            {"id": backtest_id},
        )

    assert play_due(scene.now) == 1

    with transaction() as session:
        backtest = session.get_one(Backtest, backtest_id)
        assert (backtest.state, backtest.attempts) == ("done", 2)
        assert len(asking.customers(session, backtest_id, after=None, limit=10)) == 1


def test_a_look_back_sees_what_was_before_the_span(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.happen(
        scene.order(customer_id, total_minor=7, occurred_at=START - timedelta(hours=1)),
        scene.order(customer_id, occurred_at=START + timedelta(hours=1)),
    )
    scene.move(days=2)
    seven = {"field": "total_minor", "is": "equals", "value": 7}
    rest = wait(60, for_event=ORDER, where=seven, look_back_seconds=3 * 3600, on_event="hi")

    result = play(scene, drawn("rest", {"rest": rest, "hi": say("Hi")}))

    assert (result["entries"], result["messages"]) == (1, 1)


def test_those_who_would_be_held_out_are_told_apart(scene: Scene) -> None:
    people = scene.customers(40)
    scene.happen(*[scene.order(customer_id) for customer_id in people])
    scene.move(days=1)
    graph = drawn("hi", {"hi": say("Hi")})
    backtest_id = ask(scene, graph)
    with transaction() as session:
        session.execute(text("UPDATE engage.journey SET holdout_bps = 5000"))

    play_due(scene.now)

    with transaction() as session:
        result = session.get_one(Backtest, backtest_id).result
    assert result is not None
    arms = counted(result["arms"])
    assert arms["treated"] == result["messages"]
    assert arms["treated"] + arms["holdout"] == 40
    assert 5 < arms["holdout"] < 35


def test_a_message_is_held_through_the_customers_quiet_hours(scene: Scene) -> None:
    scene.happen(scene.order(scene.customer()))
    scene.move(days=1)
    with transaction() as session:
        quiet = {"quiet": {"from": "00:00", "to": "23:00"}}
        policy.put(session, quiet, revision=0, actor="staff:test", now=scene.now)

    result = play(scene, drawn("hi", {"hi": say("Hi", next="two"), "two": say("Two", quiet="skip")}))

    assert (result["messages"], result["held_through_quiet_hours"]) == (1, 1)
    assert counted(result["skipped"]) == {"quiet": 1}


def test_a_backtest_is_forgotten_after_a_quarter_of_a_year(scene: Scene) -> None:
    scene.happen(scene.order(scene.customer()))
    scene.move(days=1)
    backtest_id = ask(scene, drawn("hi", {"hi": say("Hi")}))
    play_due(scene.now)
    with transaction() as session:
        ended_at = session.get_one(Backtest, backtest_id).ended_at
    assert ended_at is not None

    forgetting.forget(ended_at + forgetting.KEPT)
    with transaction() as session:
        assert len(asking.customers(session, backtest_id, after=None, limit=10)) == 1
    forgetting.forget(ended_at + forgetting.KEPT + timedelta(microseconds=1))

    with transaction() as session:
        assert session.get(Backtest, backtest_id) is None


def test_what_steps_would_bring_about_is_told_and_not_done(scene: Scene) -> None:
    """Credit, a trait that a branch then sees, and a word to staff."""
    customer_id = scene.customer()
    scene.happen(scene.order(customer_id))
    scene.move(days=1)
    gold = {"trait": "plan", "is": "equals", "value": "gold"}
    steps = {
        "credit": {"kind": "credit", "amount_minor": 300, "currency": "USD", "days": 30, "next": "mark"},
        "mark": {"kind": "update_trait", "name": "plan", "value": "gold", "next": "staff"},
        "staff": {"kind": "notify_staff", "text": "Call them", "next": "which"},
        "which": {"kind": "branch", "paths": [{"when": gold, "to": "hi"}]},
        "hi": say("Hi"),
    }
    with transaction() as session:
        before = session.execute(text("SELECT count(*) FROM core.event")).scalar_one()

    result = play(scene, drawn("credit", steps))

    assert [(step["step"], step["outcome"]) for step in result["steps"]] == [
        ("credit", "credited"), ("hi", "sent"), ("mark", "done"), ("staff", "done"), ("which", "done"),
    ]  # fmt: skip
    assert result["credit"] == [{"currency": "USD", "credits": 1, "amount_minor": 300}]
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM core.event")).scalar_one() == before
        assert session.execute(text("SELECT count(*) FROM core.message")).scalar_one() == 0


def test_one_who_comes_often_and_leaves_each_time_is_let_in_each_time(scene: Scene, monkeypatch: Any) -> None:
    """So many at once are too many, and not so many in a year."""
    monkeypatch.setattr(entering, "MOST_LIVE", 2)
    customer_id = scene.customer()
    for _ in range(4):
        scene.happen(scene.order(customer_id))
        scene.move(days=1)

    def entries(seconds: int) -> tuple[int, dict[str, int]]:
        result = play(scene, drawn("rest", {"rest": wait(seconds)}, re_entry={"once_per": "order_id"}))
        return result["entries"], counted(result["stayed_outside"])

    assert entries(3600) == (4, {})
    assert entries(30 * DAY) == (2, {"too_often_inside": 2})


def test_a_slot_that_is_too_large_is_read_in_parts_and_tells_the_same(scene: Scene, monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "PAGE", 3)
    customer_ids = scene.customers(60)
    for number, customer_id in enumerate(customer_ids):
        scene.happen(*[scene.order(customer_id)] * (1 + number % 5))
    scene.move(days=1)

    def lives() -> dict[UUID, list[UUID]]:
        names, until = [ORDER], scene.now
        since, out = START - timedelta(days=1), set[UUID]()
        read = [reading.slot(each, names=names, since=since, until=until, left_out=out) for each in range(64)]
        listed = [(customer_id, [event.id for event in events]) for slot in read for customer_id, events in slot]
        assert len(listed) == len(customer_ids)
        return dict(listed)

    whole = lives()
    held: list[int] = []
    read_part = reading._read

    def counting(*args: Any, **more: Any) -> Any:
        found = read_part(*args, **more)
        held.extend([] if found is None else [sum(map(len, found.values()))])
        return found

    monkeypatch.setattr(reading, "_read", counting)
    monkeypatch.setattr(reading, "MOST_HELD", 4)

    assert lives() == whole
    assert sum(held) == sum(len(events) for events in whole.values())
    # A page over what is held, unless a single customer has more.
    assert max(held) <= 4 + 3


def test_pages_follow_transactions_by_their_number(scene: Scene, monkeypatch: Any) -> None:
    """As text, the one after 9 would come before it, and what lies between two pages would be lost."""
    monkeypatch.setattr(reading, "PAGE", 2)
    customer_id = scene.customer()
    for _ in range(6):
        scene.happen(scene.order(customer_id))
    with transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))  # the log's rows are written once
        session.execute(
            text(
                "UPDATE core.event e SET xid = (7 + o.place)::text::xid8"
                " FROM (SELECT id, row_number() OVER (ORDER BY seq) AS place FROM core.event WHERE name = :name) o"
                " WHERE e.id = o.id"
            ),
            {"name": ORDER},
        )
    scene.move(days=1)

    number = slot_of(customer_id)
    since, until = START - timedelta(days=1), scene.now
    [(_, told)] = reading.slot(number, names=[ORDER], since=since, until=until, left_out=set())

    assert len(told) == 6


def test_a_robot_is_left_out_and_the_report_says_so(scene: Scene, monkeypatch: Any) -> None:
    """A million events of one customer would take all the memory that there is."""
    monkeypatch.setattr(reading, "PAGE", 3)
    monkeypatch.setattr(reading, "MOST_HELD", 4)
    monkeypatch.setattr(reading, "MOST_OF_ONE", 10)
    robot, busy, other = scene.customers(3)
    for customer_id, number in ((robot, 11), (busy, 10), (other, 1)):
        scene.happen(*[scene.order(customer_id) for _ in range(number)])
    scene.move(days=1)

    result = play(scene, drawn("hi", {"hi": say("Hi")}, re_entry={"once_per": "order_id"}))

    assert result["entries"] == 11
    assert "Left out: 1, who did more than 10 things each, as robots do." in result["confidence"]["because"]


def test_those_who_are_looked_up_at_once_have_no_more_events_than_are_held(monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "MOST_HELD", 5)
    monkeypatch.setattr(work, "_CHUNK", 3)
    lives: list[Any] = [(number, [None] * events) for number, events in enumerate([1, 1, 1, 4, 2, 9, 1])]

    assert [[number for number, _ in chunk] for chunk in work._chunks(iter(lives))] == [[0, 1, 2], [3, 4], [5], [6]]


def test_what_an_earlier_try_kept_is_dropped_a_few_at_a_time(scene: Scene, monkeypatch: Any) -> None:
    monkeypatch.setattr(work, "_DROPPED", 4)
    customer_ids = scene.customers(3)
    scene.happen(*(scene.order(customer_id) for customer_id in customer_ids))
    scene.move(days=1)
    backtest_id = ask(scene, drawn("hi", {"hi": say("Hi")}))
    with transaction() as session:
        session.execute(
            text(
                "INSERT INTO engage.backtest_customer SELECT :id, gen_random_uuid(), 1, 1, 0, 'done'"
                " FROM generate_series(1, 10)"
            ),
            {"id": backtest_id},
        )

    assert play_due(scene.now) == 1

    with transaction() as session:
        listed = asking.customers(session, backtest_id, after=None, limit=100)
        assert sorted(row.customer_id for row in listed) == sorted(customer_ids)
