"""What each customer did in their window, counted as the log comes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core import ids
from core.db import connection_of, transaction
from core.events import readers
from rewards.rollbacks.events import VoucherRolledBack
from tests.core.log import wait_for_the_horizon
from tests.engage.conftest import Scene, gift, journey, vouchers_of
from tests.engage.results.counted import READER, count, outcomes, tallied
from tests.engage.results.trying import WINDOW, enter, installed
from wallet.events import PaymentRefunded


def _refund(scene: Scene, customer_id: UUID, amount_minor: int) -> PaymentRefunded:
    return PaymentRefunded(
        customer_id=customer_id, occurred_at=scene.now, refund_id=ids.new(), payment_id=ids.new(),
        merchant_id=ids.new(), amount_minor=amount_minor, currency="USD",
    )  # fmt: skip


def _gives(scene: Scene, **more: Any) -> UUID:
    """A journey that everybody enters who installs the app."""
    graph = journey("gift", {"gift": gift(scene.coupon())}, **more)
    return scene.publish({**graph, "trigger": {"event": "app.installed"}})


@pytest.mark.parametrize(
    "after, counts",
    [
        (timedelta(seconds=-1), False),
        (timedelta(0), True),
        (WINDOW - timedelta(microseconds=1), True),
        (WINDOW, False),
    ],
)
def test_orders_count_from_the_entry_to_the_end_of_the_window(scene: Scene, after: timedelta, counts: bool) -> None:
    journey_id = _gives(scene)
    customer_id = enter(scene)
    count(scene)

    scene.happen(scene.order(customer_id, total_minor=700, occurred_at=scene.now + after))
    count(scene)

    row = outcomes(journey_id)[customer_id]
    assert (row.orders, row.revenue_minor) == ((1, 700) if counts else (0, 0))
    assert row.ripe_at - row.entered_at == WINDOW


def test_orders_that_the_reader_had_read_before_the_entry_count(scene: Scene) -> None:
    """The entry was decided by a clock that stood before the order's, but its event came into the log after it."""
    journey_id = _gives(scene)
    customer_id = scene.customer()
    scene.happen(installed(scene, customer_id))
    scene.happen(scene.order(customer_id, total_minor=900, occurred_at=scene.now + timedelta(seconds=5)))
    readers.register([READER])
    wait_for_the_horizon()
    while readers.run_batch(READER, now=scene.now):
        pass

    count(scene)
    count(scene)

    assert outcomes(journey_id)[customer_id].revenue_minor == 900


def test_refunds_are_taken_off_and_other_currencies_left_out(scene: Scene) -> None:
    journey_id = _gives(scene)
    customer_id = enter(scene)
    scene.happen(scene.order(customer_id, total_minor=2_000), _refund(scene, customer_id, 500))
    scene.happen(scene.order(customer_id, total_minor=9_000, currency="GBP"))
    count(scene)

    row = outcomes(journey_id)[customer_id]
    assert (row.orders, row.revenue_minor, row.refunded_minor) == (1, 2_000, 500)


def test_a_customer_counts_from_their_first_entry_alone(scene: Scene) -> None:
    graph = journey("gift", {"gift": gift(scene.coupon())}, re_entry={"once_per": "order_id"})
    journey_id = scene.publish(graph)
    customer_id = scene.customer()
    for _ in range(3):
        scene.happen(scene.order(customer_id))
        scene.move(seconds=1)
        count(scene)
        scene.move(days=1)

    row = outcomes(journey_id)[customer_id]
    assert tallied("journey", journey_id)["entered"] == (3, 0)
    assert row.orders == 2  # those after the one that let them in
    assert row.entered_at == scene.now - timedelta(days=3, seconds=2)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["order", "refund", "redeem", "back", "wait", "count", "enter"]),
        st.integers(0, 2),
        st.integers(1, 9_999),
    ),
    max_size=30,
)


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example is slow: a failing one is read as it is
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=ACTS, limit=st.integers(1, 7), slots=st.sampled_from([1, 64]))
def test_whatever_the_order_and_the_batches_the_counts_are_those_of_the_whole_log(
    scene: Scene, acts: Sequence[tuple[str, int, int]], limit: int, slots: int
) -> None:
    journey_id = scene.publish(journey("gift", {"gift": gift(scene.coupon())}, re_entry={"once_per": "order_id"}))
    people = scene.customers(3)
    reader = replace(READER, limit=limit)
    readers.register([reader])

    for act, who, number in acts:
        _act(scene, act, people[who], number)
        if act == "count":
            readers._limits.pop(reader.name, None)
            readers.run_batch(reader, now=scene.now, slots=slots)
    count(scene)
    scene.set_status(journey_id, "ended")  # the next example's customers have a journey of their own

    assert _parked() == []
    assert _kept(journey_id) == _from_scratch(journey_id)
    assert _tallied(journey_id) == _tallied_from_scratch(journey_id)


def _act(scene: Scene, act: str, customer_id: UUID, number: int) -> None:
    given = vouchers_of(customer_id)
    if act == "order":
        scene.happen(scene.order(customer_id, total_minor=number))
    elif act == "refund":
        scene.happen(_refund(scene, customer_id, number))
    elif act == "wait":
        scene.move(days=number % 20, seconds=1)
    elif act == "enter":
        scene.happen(scene.order(customer_id, total_minor=number))
        scene.read()
    elif act == "redeem" and given:
        scene.happen(scene.redemption(customer_id, given[number % len(given)]))
    elif act == "back" and given:
        back = VoucherRolledBack(
            customer_id=customer_id, occurred_at=scene.now, redemption_id=ids.new(), voucher_id=given[0],
            campaign_id=ids.new(), merchant_id=ids.new(), checkout_id=None, amount_minor=number % 500,
            currency="USD", is_whole=bool(number % 2),
        )  # fmt: skip
        scene.happen(back)


def _parked() -> list[tuple[Any, ...]]:
    with transaction() as session:
        return connection_of(session).execute("SELECT * FROM core.reader_parked").fetchall()


def _kept(journey_id: UUID) -> dict[UUID, tuple[int, ...]]:
    return {
        customer_id: (row.orders, row.revenue_minor, row.refunded_minor, row.redeemed_minor)
        for customer_id, row in outcomes(journey_id).items()
    }


def _from_scratch(journey_id: UUID) -> dict[UUID, tuple[int, ...]]:
    with transaction() as session:
        rows = connection_of(session).execute(_OUTCOMES, {"journey": journey_id})
        return {row[0]: tuple(int(value) for value in row[1:]) for row in rows}


def _tallied(journey_id: UUID) -> dict[tuple[str, str], tuple[int, int]]:
    wanted = ("entered", "issued", "redeemed", "rolled_back")
    found = tallied("journey", journey_id, "step")
    return {name: value for name, value in found.items() if name[0] in wanted}


def _tallied_from_scratch(journey_id: UUID) -> dict[tuple[str, str], tuple[int, int]]:
    with transaction() as session:
        rows = connection_of(session).execute(_TALLIES, {"journey": journey_id})
        return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in rows}


_OUTCOMES = """
    WITH first AS (
        SELECT DISTINCT ON (customer_id) customer_id, entered_at FROM engage.enrolment
         WHERE journey_id = %(journey)s ORDER BY customer_id, entered_at, id)
    SELECT f.customer_id, count(*) FILTER (WHERE e.name = 'order.completed'),
           coalesce(sum((e.payload->>'total_minor')::bigint) FILTER (WHERE e.name = 'order.completed'), 0),
           coalesce(sum((e.payload->>'amount_minor')::bigint) FILTER (WHERE e.name = 'payment.refunded'), 0),
           coalesce(sum((e.payload->>'amount_minor')::bigint) FILTER (WHERE e.name = 'voucher.redeemed'), 0)
           - coalesce(sum((e.payload->>'amount_minor')::bigint) FILTER (WHERE e.name = 'voucher.rolled_back'), 0)
      FROM first f
      LEFT JOIN core.event e
        ON e.customer_id = f.customer_id AND e.occurred_at >= f.entered_at
       AND e.occurred_at < f.entered_at + interval '30 days'
     GROUP BY f.customer_id
"""

_TALLIES = """
    SELECT 'entered', '', count(*), 0 FROM engage.enrolment WHERE journey_id = %(journey)s HAVING count(*) > 0
    UNION ALL
    SELECT split_part(e.name, '.', 2), r.step, count(*) FILTER (WHERE e.payload->>'is_whole' IS DISTINCT FROM 'false'),
           coalesce(sum((e.payload->>'amount_minor')::bigint), 0)
      FROM core.event e
      JOIN engage.step_run r ON r.voucher_id = (e.payload->>'voucher_id')::uuid
      JOIN engage.enrolment n ON n.id = r.enrolment_id AND n.journey_id = %(journey)s
     WHERE e.name IN ('voucher.issued', 'voucher.redeemed', 'voucher.rolled_back')
     GROUP BY 1, 2
"""
