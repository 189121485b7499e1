"""What conditions ask about has been counted up to the very event that they are asked at, whoever reads first."""

import threading
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import transaction
from core.events import LoggedEvent, Reader, readers
from core.events.log import SLOTS
from engage.walks import reactions as walks
from engage.walks.carrying import FACTS_READER
from engage.walks.models import RefusedEntry
from insights import reactions as insights
from tests.core.log import wait_for_the_horizon
from tests.engage.conftest import Scene, drawn, enrolments, runs, say, wait

DAY = 86_400

[WALKS] = walks.READERS
[FACTS] = insights.READERS


def ordered(number: int) -> dict[str, object]:
    return {"profile": "orders", "is": "at_least", "value": number}


def branching(number: int) -> dict[str, object]:
    return {"kind": "branch", "paths": [{"when": ordered(number), "to": "thanks"}], "else": "ask"}


def in_the_worst_order(scene: Scene) -> None:
    """The walks' reader comes first, as often as it likes."""
    wait_for_the_horizon()
    for _ in range(3):
        readers.run_batch(WALKS, now=scene.now, slots=SLOTS)
    scene.read()


def refused() -> list[str]:
    with transaction() as session:
        return [kept.reasons[0]["code"] for kept in session.scalars(select(RefusedEntry))]


def test_the_third_order_lets_in_who_has_ordered_three_times(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(drawn("hi", {"hi": say("Hi")}, audience=ordered(3)))
    for _ in range(2):
        scene.happen(scene.order(customer_id))
        in_the_worst_order(scene)
    assert (enrolments(), refused()) == ([], ["not_in_audience"] * 2)

    scene.happen(scene.order(customer_id))
    in_the_worst_order(scene)

    assert runs() == [("hi", "sent")]


def test_a_branch_right_after_an_event_knows_of_it(scene: Scene) -> None:
    customer_id = scene.customer()
    steps = {"rest": wait(DAY, for_event="order.completed", on_event="which"), "which": branching(2),
             "thanks": say("Thanks"), "ask": say("Come again")}  # fmt: skip
    scene.publish(drawn("rest", steps))
    scene.happen(scene.order(customer_id))
    in_the_worst_order(scene)
    scene.move(hours=1)

    scene.happen(scene.order(customer_id))
    in_the_worst_order(scene)

    assert runs() == [("rest", "event"), ("which", "done"), ("thanks", "sent")]


def test_after_an_outage_of_what_counts_nobody_is_judged_by_old_facts(scene: Scene) -> None:
    """Entries, waits and time-outs stand still until it has caught up, and then all come right."""
    new, waiting = scene.customers(2)
    steps = {"rest": wait(DAY, on_timeout="which"), "which": branching(2), "thanks": say("Thanks"), "ask": say("Again")}
    scene.publish(drawn("rest", steps))
    scene.happen(scene.order(waiting))
    scene.read()
    scene.publish(drawn("hi", {"hi": say("Hi")}, audience=ordered(2)))

    scene.happen(scene.order(waiting), scene.order(new), scene.order(new))
    scene.move(days=1)
    wait_for_the_horizon()
    assert readers.run_batch(WALKS, now=scene.now, slots=SLOTS) == 0
    scene.work()
    assert (runs(), refused()) == ([("rest", "waiting")], [])

    scene.read()
    scene.move(minutes=1)
    scene.work()

    assert runs(waiting)[:3] == [("rest", "timeout"), ("hi", "sent"), ("which", "done")]
    assert runs(waiting)[3:] == [("thanks", "sent")]
    assert ("hi", "sent") in runs(new)


def test_one_whose_facts_are_parked_goes_on_by_what_is_known(scene: Scene) -> None:
    """A fault in counting silences nobody: whoever waits for it would hear nothing until an operator comes."""
    broken, fine = scene.customers(2)
    scene.read()

    def count(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        if any(event.customer_id == broken for event in events):
            raise ValueError("this one cannot be counted")
        insights.keep(session, events, now)

    steps = {
        "which": branching(1),
        "thanks": say("Thanks", next="rest"),
        "ask": say("Ask", next="rest"),
        "rest": wait(DAY, on_timeout="again"),
        "again": {"kind": "branch", "paths": [{"when": ordered(2)}]},
    }
    scene.publish(drawn("which", steps))
    scene.happen(scene.order(broken), scene.order(fine))
    wait_for_the_horizon()
    failing = Reader(FACTS_READER, count, None)
    while readers.run_batch(failing, now=scene.now, slots=SLOTS):
        pass
    scene.read()
    scene.move(days=1)
    scene.work()

    assert runs(fine) == [("which", "done"), ("thanks", "sent"), ("rest", "timeout"), ("again", "done")]
    assert runs(broken) == [("which", "done"), ("ask", "sent"), ("rest", "timeout"), ("again", "done")]


def test_whichever_worker_comes_first_everybody_who_ordered_thrice_is_let_in(scene: Scene) -> None:
    customers = scene.customers(20)
    scene.publish(drawn("hi", {"hi": say("Hi")}, audience=ordered(3)))
    for _ in range(3):
        scene.happen(*[scene.order(customer_id) for customer_id in customers])
    errors: list[Exception] = []

    def work() -> None:
        try:
            while sum(readers.run_batch(each, now=scene.now, slots=4) for each in (WALKS, FACTS)) or behind(scene):
                pass
        except Exception as error:
            errors.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert errors == []
    assert {walk.customer_id for walk in enrolments()} == set[UUID](customers)


def behind(scene: Scene) -> bool:
    return scene._is_behind(WALKS)
