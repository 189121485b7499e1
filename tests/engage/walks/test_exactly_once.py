"""Each customer gets a step's effects once: with several workers, after a crash, and when the log is read again."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db import connection_of, transaction
from core.errors import Busy
from core.events import LoggedEvent, Reader, readers
from engage.walks.carrying import READER
from engage.walks.reactions import move_journeys
from engage.walks.work import advance_due
from tests.core.log import parked
from tests.engage.conftest import WEEK, Scene, both_branches, enrolments, journey, runs, say, sent, vouchers_of

CUSTOMERS = 20


def at_once(run: Callable[[], object], *, workers: int = 3) -> None:
    """Run the same thing in several threads, and let their errors be seen."""
    errors: list[Exception] = []
    begin = threading.Barrier(workers)

    def body() -> None:
        begin.wait()
        try:
            run()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=body) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_several_workers_on_the_log_give_each_customer_one_voucher(scene: Scene) -> None:
    customers = scene.customers(CUSTOMERS)
    scene.publish(both_branches(scene.gift_card(budget_minor=CUSTOMERS * 1000)))
    for _ in range(3):
        scene.happen(*[scene.order(customer_id) for customer_id in customers])

    at_once(scene.read)

    assert [len(vouchers_of(customer_id)) for customer_id in customers] == [1] * CUSTOMERS
    assert len(sent()) == len(enrolments()) == CUSTOMERS


def test_several_workers_on_due_work_remind_each_customer_once(scene: Scene) -> None:
    customers = entered(scene)
    scene.move(seconds=WEEK)

    at_once(scene.work)
    # A worker that saw another one write has put its walks off by a second.
    scene.move(seconds=2)
    scene.work()

    assert [runs(customer_id)[2:] for customer_id in customers] == [
        [("wait", "timeout"), ("remind", "sent")]
    ] * CUSTOMERS
    assert len(sent()) == 2 * CUSTOMERS


def test_a_redemption_and_a_time_out_at_once_take_one_branch(scene: Scene) -> None:
    customers = entered(scene)
    scene.move(seconds=WEEK)
    scene.happen(
        *[scene.redemption(customer_id, vouchers_of(customer_id)[0]) for customer_id in customers[: CUSTOMERS // 2]]
    )

    both = iter([scene.read, scene.work])
    taking = threading.Lock()

    def one_of_both() -> None:
        with taking:
            mine = next(both)
        mine()

    at_once(one_of_both, workers=2)
    scene.move(seconds=2)
    scene.work()

    redeemed, not_redeemed = customers[: CUSTOMERS // 2], customers[CUSTOMERS // 2 :]
    assert {tuple(runs(customer_id)[2:]) for customer_id in redeemed} == {(("wait", "event"), ("thank", "sent"))}
    assert {tuple(runs(customer_id)[2:]) for customer_id in not_redeemed} == {(("wait", "timeout"), ("remind", "sent"))}


def test_a_worker_that_dies_before_its_commit_leaves_nothing_and_the_next_does_it_once(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(both_branches(scene.gift_card(budget_minor=1000)))
    scene.happen(scene.order(customer_id))

    def die(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
        move_journeys(session, events, now)
        session.flush()
        raise Busy

    with pytest.raises(Busy):
        while not readers.run_batch(Reader(READER, die, names=None), now=scene.now):
            pass
    assert (enrolments(), vouchers_of(customer_id), sent()) == ([], [], [])
    scene.read()

    assert (len(enrolments()), len(vouchers_of(customer_id)), len(sent())) == (1, 1, 1)


def test_a_log_that_is_read_again_from_the_start_does_nothing_twice(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(both_branches(scene.coupon()))
    scene.happen(scene.order(customer_id))
    scene.read()
    with transaction() as session:
        session.execute(text("UPDATE core.reader_offset SET epoch = 0, xid = '0', seq = 0"))

    scene.read()

    assert (len(enrolments()), len(vouchers_of(customer_id)), len(sent())) == (1, 1, 1)


@pytest.mark.parametrize(
    "copy",
    [
        "INSERT INTO engage.enrolment (id, journey_id, version_id, customer_id, entry_key, state, visit, end_reason,"
        " step_entered_at, depth, entered_at) SELECT gen_random_uuid(), journey_id, version_id, customer_id, entry_key,"
        " state, visit, end_reason, step_entered_at, depth, entered_at FROM engage.enrolment",
        "INSERT INTO engage.step_run SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid()))).*"
        " FROM engage.step_run r",
    ],
)
def test_the_database_itself_refuses_a_second_one(scene: Scene, copy: str) -> None:
    scene.publish(journey("hi", {"hi": say("Hi")}))
    scene.happen(scene.order(scene.customer()))
    scene.read()

    with pytest.raises(UniqueViolation), transaction() as session:
        connection_of(session).execute(copy)


def test_a_published_version_cannot_be_changed(scene: Scene) -> None:
    scene.publish(journey("hi", {"hi": say("Hi")}))

    with pytest.raises(Exception, match="written once"), transaction() as session:
        connection_of(session).execute("UPDATE engage.journey_version SET number = 2")


def test_one_walk_that_cannot_advance_waits_ever_longer_and_the_others_go_on(scene: Scene) -> None:
    customers = entered(scene)
    broken = enrolments()[0]
    with transaction() as session:
        session.execute(text("UPDATE engage.enrolment SET step = 'nowhere' WHERE id = :id"), {"id": broken.id})
    scene.move(seconds=WEEK)

    scene.work()

    after = {walk.id: walk for walk in enrolments()}
    assert sum(walk.state == "ended" for walk in after.values()) == CUSTOMERS - 1
    assert (after[broken.id].attempts, after[broken.id].last_error) == (1, "KeyError")
    assert after[broken.id].due_at == scene.now + timedelta(minutes=1)
    assert runs(broken.customer_id)[-1] == ("wait", "waiting")
    assert len(customers) == CUSTOMERS


def test_a_version_that_is_no_longer_understood_stops_only_those_inside_it(scene: Scene) -> None:
    customer_id, inside = scene.customer(), scene.customer()
    good = scene.publish(journey("hi", {"hi": say("Hello")}))
    stale = scene.publish(both_branches(scene.coupon()))
    scene.happen(scene.order(inside))
    scene.read()
    # What an older release accepted stays in the table for ever, as nobody may change it.
    with transaction() as session:
        connection_of(session).execute(
            """
            WITH put AS (INSERT INTO engage.journey_version (id, journey_id, number, graph, published_by, published_at)
                         SELECT core.uuidv7(), journey_id, 2, '{"trigger": {}}', published_by, published_at
                           FROM engage.journey_version WHERE journey_id = %s RETURNING id)
            UPDATE engage.journey SET live_version_id = put.id FROM put WHERE journey.id = %s
            """,
            [stale, stale],
        )

    scene.happen(scene.order(customer_id), scene.redemption(inside, vouchers_of(inside)[0]))
    scene.read()

    assert [walk.journey_id for walk in enrolments() if walk.customer_id == customer_id] == [good]
    assert runs(inside)[-1] == ("thank", "sent")
    assert parked() == []


def test_a_wait_that_was_looked_at_too_early_is_looked_at_again_at_its_time_out(scene: Scene) -> None:
    entered(scene)
    with transaction() as session:
        session.execute(text("UPDATE engage.enrolment SET due_at = :at"), {"at": scene.now})

    assert advance_due(scene.now) == CUSTOMERS
    assert advance_due(scene.now) == 0

    assert {walk.due_at for walk in enrolments()} == {scene.now + timedelta(seconds=WEEK)}


def test_an_ended_journey_lets_those_inside_leave_and_nobody_in(scene: Scene) -> None:
    inside, outside = scene.customer(), scene.customer()
    journey_id = scene.publish(both_branches(scene.coupon()))
    scene.happen(scene.order(inside))
    scene.read()
    scene.set_status(journey_id, "ended")
    scene.happen(scene.order(outside), scene.redemption(inside, vouchers_of(inside)[0]))

    scene.read()

    assert [(walk.customer_id, walk.end_reason) for walk in enrolments()] == [(inside, "journey_ended")]
    assert runs(inside)[-1] == ("wait", "event")


def test_a_paused_journey_lets_nobody_in_and_those_inside_go_on(scene: Scene) -> None:
    inside, outside = scene.customer(), scene.customer()
    journey_id = scene.publish(both_branches(scene.coupon()))
    scene.happen(scene.order(inside))
    scene.read()
    scene.set_status(journey_id, "paused")
    scene.happen(scene.order(outside))
    scene.read()
    scene.move(seconds=WEEK)

    scene.work()

    assert [walk.customer_id for walk in enrolments()] == [inside]
    assert runs(inside)[-1] == ("remind", "sent")


def entered(scene: Scene) -> list[UUID]:
    """Customers who have their voucher and its message and stand at the wait."""
    customers = scene.customers(CUSTOMERS)
    scene.publish(both_branches(scene.coupon()))
    scene.happen(*[scene.order(customer_id) for customer_id in customers])
    scene.read()
    return customers
