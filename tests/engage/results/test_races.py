"""Many at once on the same rows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from core.db import connection_of, transaction
from core.events import readers
from core.events.log import slot_of
from engage.results import plans, prices, tallies
from engage.results.models import EffectPlan
from engage.results.prices import Price
from engage.results.tallies import Counted, Key
from tests.engage.conftest import START, Scene, both_branches
from tests.engage.results.counted import READER, count, tallied


def _at_once(*deeds: Callable[[], object]) -> list[object]:
    """All of these, begun at the same moment in threads of their own."""
    barrier = Barrier(len(deeds))

    def begun(deed: Callable[[], object]) -> object:
        barrier.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [each.result() for each in [pool.submit(begun, deed) for deed in deeds]]


def test_workers_that_share_the_slots_add_to_one_tally(scene: Scene) -> None:
    journey_id = scene.publish(both_branches(scene.coupon()))
    people = scene.customers(40)
    for customer_id in people:
        scene.happen(scene.order(customer_id))
    scene.read()
    readers.register([READER])
    assert len({slot_of(customer_id) for customer_id in people}) > 8

    def read_on() -> None:
        while readers.run_batch(READER, now=scene.now, slots=4):
            pass

    _at_once(read_on, read_on, read_on)
    count(scene)

    assert tallied("journey", journey_id)["entered"] == (40, 0)
    assert tallied("journey", journey_id)["issued"] == (40, 0)


def test_batches_that_touch_the_same_tallies_in_other_orders_do_not_lock_each_other_out(scene: Scene) -> None:
    """Whatever order they were counted in, rows are locked in one."""
    journey_id = scene.publish(both_branches(scene.coupon()))
    keys = [Key("journey", journey_id, "sent", START.date(), step=f"step {place}") for place in range(60)]

    def add(order: list[Key]) -> None:
        for _ in range(10):
            counted = Counted()
            for key in order:
                counted.add(key)
            with transaction() as session:
                tallies.keep(connection_of(session), counted.counts)

    _at_once(lambda: add(keys), lambda: add(keys[::-1]))

    assert tallied("journey", journey_id)["sent"] == (60 * 20, 0)


def test_two_who_fix_a_plan_at_once_fix_one(scene: Scene) -> None:
    journey_id = scene.publish(both_branches(scene.coupon()), holdout_bps=1_000)

    _at_once(lambda: plans.fix_due(scene.now), lambda: plans.fix_due(scene.now))

    with transaction() as session:
        assert session.query(EffectPlan).filter_by(scope_id=journey_id).count() == 1


def test_of_two_price_lists_at_once_one_stands_whole(scene: Scene) -> None:
    def put(micros: int) -> None:
        listed = [Price(channel, "", START.date(), micros) for channel in ("sms", "push", "email")]
        with transaction() as session:
            prices.put(session, listed, actor="staff:test", now=scene.now)

    _at_once(*[lambda micros=micros: put(micros) for micros in (1, 2, 3)])  # type: ignore[misc]

    with transaction() as session:
        kept = prices.all_(session)
    assert len(kept) == 3 and len({price.micros for price in kept}) == 1
