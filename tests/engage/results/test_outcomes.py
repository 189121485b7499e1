"""What each customer did in their window, counted as the log comes; and the effects that follow from it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connect.events import AppInstalled
from core import bounded, ids
from core.db import connection_of, transaction
from core.events import readers
from engage.results import effects, history, plans, telling
from engage.results.models import Outcome
from engage.walks import arms
from insights.statistics import ratios
from insights.statistics.sequences import Interval
from rewards.rollbacks.events import VoucherRolledBack
from tests.core.log import wait_for_the_horizon
from tests.engage.conftest import Scene, gift, journey, vouchers_of
from tests.engage.results.counted import READER, count, outcomes, tallied
from wallet.events import PaymentRefunded

WINDOW = timedelta(days=30)


def _refund(scene: Scene, customer_id: UUID, amount_minor: int) -> PaymentRefunded:
    return PaymentRefunded(
        customer_id=customer_id, occurred_at=scene.now, refund_id=ids.new(), payment_id=ids.new(),
        merchant_id=ids.new(), amount_minor=amount_minor, currency="USD",
    )  # fmt: skip


def _gives(scene: Scene, **more: Any) -> UUID:
    """A journey that everybody enters who installs the app."""
    graph = journey("gift", {"gift": gift(scene.coupon())}, **more)
    return scene.publish({**graph, "trigger": {"event": "app.installed"}})


def _enter(scene: Scene) -> UUID:
    customer_id = scene.customer()
    scene.happen(_installed(scene, customer_id))
    scene.read()
    return customer_id


def _installed(scene: Scene, customer_id: UUID) -> AppInstalled:
    return AppInstalled(customer_id=customer_id, occurred_at=scene.now, content={})


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
    customer_id = _enter(scene)
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
    scene.happen(_installed(scene, customer_id))
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
    customer_id = _enter(scene)
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


_TRIAL = UUID(int=1)


def _people(
    journey_id: UUID, scene: Scene, *, arm: str, number: int, minor: Sequence[int], age: timedelta, variant: str = ""
) -> None:
    """So many customers of an arm who entered so long ago, with what they spent, one after the other."""
    entered_at = scene.now - age
    with transaction() as session:
        session.add_all(
            Outcome(
                scope="journey", scope_id=journey_id, customer_id=ids.new(), arm=arm, variant=variant,
                trial=_TRIAL if variant else None,
                entered_at=entered_at, ripe_at=entered_at + WINDOW, orders=1, revenue_minor=minor[place % len(minor)],
                refunded_minor=0, redeemed_minor=100 if arm == "treated" else 0, is_converted=False,
            )
            for place in range(number)
        )  # fmt: skip


def _effects(scene: Scene, journey_id: UUID) -> dict[str, Any]:
    with transaction() as session:
        return telling.effects(effects.of(session, "journey", journey_id, message_cost_minor=0, now=scene.now))


def _tried(scene: Scene, held_bps: int = 1_000) -> UUID:
    """A journey with a holdout and a past to plan by: orders of 10.00 and 30.00."""
    for place, customer_id in enumerate(scene.customers(20)):
        amount, at = (1_000, 3_000)[place % 2], scene.now - timedelta(days=10)
        scene.happen(scene.order(customer_id, total_minor=amount, occurred_at=at))
    journey_id = scene.publish(journey("gift", {"gift": gift(scene.coupon())}), holdout_bps=held_bps)
    plans.fix_due(scene.now)
    return journey_id


LONG_AGO = WINDOW + timedelta(hours=1)


def test_more_is_told_once_it_is_sure(scene: Scene) -> None:
    journey_id = _tried(scene)
    _people(journey_id, scene, arm="treated", number=4_500, minor=[1_000, 2_600], age=LONG_AGO)
    _people(journey_id, scene, arm="holdout", number=500, minor=[1_000, 1_400], age=LONG_AGO)

    told = _effects(scene, journey_id)

    assert told["revenue"]["estimate"] == 600 and told["revenue"]["verdict"] == "more"
    assert told["revenue"]["low"] > 0 and told["revenue"]["words"].startswith("More than without it: between ")
    assert told["incremental_revenue"]["estimate"] == 600 * 4_500
    assert told["cost"]["amount_minor"] == 100 * 4_500
    assert told["per_cost"]["estimate"] == 6.0 and told["per_cost"]["verdict"] == "more"
    assert told["sample_ratio"]["is_alarming"] is False


def test_too_few_are_not_told_from_none(scene: Scene) -> None:
    """99 held out say nothing; 100 give an interval, and it still says too few; many without a difference say none."""
    journey_id = _tried(scene, held_bps=5_000)
    _people(journey_id, scene, arm="treated", number=99, minor=[1_000, 2_600], age=LONG_AGO)
    _people(journey_id, scene, arm="holdout", number=99, minor=[1_000, 2_600], age=LONG_AGO)
    before = _effects(scene, journey_id)["revenue"]
    for arm in ("treated", "holdout"):
        _people(journey_id, scene, arm=arm, number=1, minor=[2_600], age=LONG_AGO)
    few = _effects(scene, journey_id)["revenue"]
    for arm in ("treated", "holdout"):
        _people(journey_id, scene, arm=arm, number=2_000, minor=[1_000, 2_600], age=LONG_AGO)
    many = _effects(scene, journey_id)["revenue"]

    assert (before["verdict"], before["estimate"]) == ("too_few", None)
    assert before["words"].endswith(
        "from 100 customers an arm on whose time is over, and from 10 of them who did something."
    )
    assert few["verdict"] == "too_few" and few["low"] < 0 < few["high"]
    assert many["verdict"] == "none" and many["high"] - many["low"] < few["high"] - few["low"]


@pytest.mark.parametrize(
    "low, high, verdict",
    [
        (-10, 10, "none"),
        (-10.1, 5, "too_few"),
        (-0.5, 10.1, "too_few"),  # narrow enough, but it reaches beyond what would be seen
        (0.1, 3, "more"),
        (-3, -0.1, "less"),
    ],
)
def test_none_is_said_only_where_a_difference_could_not_be_as_large_as_what_is_seen(
    low: float, high: float, verdict: str
) -> None:
    assert effects._verdict(Interval((low + high) / 2, low, high), 10) == verdict


@pytest.mark.parametrize("missing, ripe", [(timedelta(0), 100), (timedelta(microseconds=1), 0)])
def test_only_those_whose_window_is_over_count(scene: Scene, missing: timedelta, ripe: int) -> None:
    journey_id = _tried(scene)
    _people(journey_id, scene, arm="treated", number=100, minor=[1_000], age=LONG_AGO - missing)

    assert [(arm["entered"], arm["ripe"]) for arm in _effects(scene, journey_id)["arms"]] == [(100, ripe)]


def test_arms_that_are_not_as_planned_make_every_effect_unbelievable(scene: Scene) -> None:
    journey_id = _tried(scene)
    _people(journey_id, scene, arm="treated", number=4_000, minor=[1_000, 2_600], age=LONG_AGO)
    _people(journey_id, scene, arm="holdout", number=1_000, minor=[1_000, 1_400], age=LONG_AGO)

    told = _effects(scene, journey_id)

    assert told["sample_ratio"]["is_alarming"] is True
    assert {told[name]["verdict"] for name in ("revenue", "buyers", "per_cost")} == {"not_believed"}


def test_one_customer_counts_for_no_more_than_the_bound(scene: Scene) -> None:
    """The year before had baskets of at most 30.00: somebody who spends a million counts for 30.00."""
    journey_id = _tried(scene)
    _people(journey_id, scene, arm="treated", number=1, minor=[100_000_000], age=LONG_AGO)

    told = _effects(scene, journey_id)

    assert told["plan"].bound_minor == 3_000
    assert told["arms"][0]["revenue_minor"] == 3_000


def test_while_the_reader_is_behind_nobody_becomes_ripe(scene: Scene) -> None:
    """What happened in a window must be read before the window is called over."""
    journey_id = _tried(scene)
    count(scene)
    ahead = scene.now + timedelta(days=400)  # by then everybody would be ripe, but for what is unread
    _people(journey_id, scene, arm="treated", number=1, minor=[1_000], age=timedelta(0))
    scene.happen(_installed(scene, scene.customer()))

    with transaction() as session:
        behind = effects.of(session, "journey", journey_id, message_cost_minor=0, now=ahead)
    count(scene)
    with transaction() as session:
        read = effects.of(session, "journey", journey_id, message_cost_minor=0, now=ahead)

    assert [arm.ripe for arm in behind.arms] == [0]
    assert [arm.ripe for arm in read.arms] == [1]


@pytest.mark.parametrize("spans_cancelled, customers", [(0, 2), (1, 1), (2, 0)])
def test_a_year_too_long_to_look_through_is_looked_at_in_part(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, spans_cancelled: int, customers: int
) -> None:
    """Two customers ordered, one of them lately; the database cancels what takes too long."""
    old, recent = scene.customers(2)
    scene.happen(scene.order(old, occurred_at=scene.now - timedelta(days=200)))
    scene.happen(scene.order(recent, occurred_at=scene.now - timedelta(days=2)))
    looks: list[timedelta] = []
    read = bounded.rows

    def slow(session: Any, query: Any, values: Any, *, within: timedelta) -> Any:
        looks.append(within)
        if len(looks) <= spans_cancelled:
            return read(session, "SELECT pg_sleep(1)", values, within=timedelta(milliseconds=1))
        return read(session, query, values, within=within)

    monkeypatch.setattr(bounded, "rows", slow)
    with transaction() as session:
        past = history.of(session, days=30, currency="USD", now=scene.now)
        connection_of(session).execute("SELECT pg_sleep(0.01)")  # the limit was for the look alone

    assert past.stretches == {0: 8, 1: 1, 2: 0}[spans_cancelled]
    assert past.bound_minor == (5_000 if customers else 100_000)


def _ab(scene: Scene, **more: Any) -> UUID:
    return scene.publish(_trial(scene), **more)


def _trial(scene: Scene, *, warm_bps: int = 5_000, first: str = "try", **more: Any) -> dict[str, Any]:
    """Two variants of a gift, for who installs the app; `first` may be "ask", which waits for an order before."""
    ways = [
        {"name": "warm", "bps": warm_bps, "to": "gift"},
        {"name": "plain", "bps": 10_000 - warm_bps, "to": "gift"},
    ]
    steps: dict[str, Any] = {"try": {"kind": "ab", "variants": ways, **more}, "gift": gift(scene.coupon())}
    if first == "ask":
        steps["ask"] = {
            "kind": "wait", "for_event": "order.completed", "timeout_seconds": 3_600, "on_event": "bye",
            "on_timeout": "try",
        }  # fmt: skip
        steps["bye"] = {"kind": "exit", "reason": "ordered"}
    return {**journey(first, steps), "trigger": {"event": "app.installed"}}


@pytest.mark.parametrize("held_bps, arm", [(0, "treated"), (10_000, "holdout")])
def test_everybody_counts_to_the_variant_drawn_for_them_in_either_arm(scene: Scene, held_bps: int, arm: str) -> None:
    journey_id = _ab(scene, holdout_bps=held_bps)
    for _ in range(12):
        _enter(scene)
    count(scene)

    rows = outcomes(journey_id).values()
    assert {(row.arm, row.variant) for row in rows} == {(arm, "warm"), (arm, "plain")}
    told = tallied("journey", journey_id, "step", "variant")
    for variant in ("warm", "plain"):  # what was drawn at the entry is what the step gave
        assert told["step:done", "try", variant][0] == sum(row.variant == variant for row in rows)


def test_who_leaves_before_the_trial_counts_to_their_variant_as_well(scene: Scene) -> None:
    """Whoever an earlier step makes leave is missing in one arm alone: those who come are no fair sample."""
    journey_id = scene.publish(_trial(scene, first="ask"))
    people = [_enter(scene) for _ in range(12)]
    for customer_id in people:
        scene.happen(scene.order(customer_id))
    count(scene)

    rows = outcomes(journey_id)
    assert {rows[customer_id].variant for customer_id in people} == {"warm", "plain"}
    assert ("step:done", "try", "warm") not in tallied("journey", journey_id, "step", "variant")


def test_a_step_that_draws_anew_at_each_visit_is_no_trial(scene: Scene) -> None:
    journey_id = scene.publish(_trial(scene, sticky=False))
    customer_id = _enter(scene)
    count(scene)

    row = outcomes(journey_id)[customer_id]
    assert (row.variant, row.trial) == ("", None)


def test_other_shares_begin_another_trial_and_the_same_ones_go_on(scene: Scene) -> None:
    """Who enters on other days is another kind of people: they stand in no comparison of variants together."""
    journey_id = scene.publish(_trial(scene))
    people = [_enter(scene)]
    for warm_bps in (5_000, 8_000):
        scene.move(minutes=1)
        scene.publish(_trial(scene, warm_bps=warm_bps), journey_id=journey_id)
        people.append(_enter(scene))
    count(scene)

    first, same, other = [outcomes(journey_id)[customer_id].trial for customer_id in people]
    assert first == same != other
    told = _effects(scene, journey_id)
    assert [each["variant"] for each in told["variants"]] == [outcomes(journey_id)[people[-1]].variant]


def test_each_variant_is_compared_with_its_own_share_of_those_held_out(scene: Scene) -> None:
    journey_id = _tried(scene)
    for variant, treated in (("warm", [1_000, 2_600]), ("plain", [1_000, 1_400])):
        for arm, minor, number in (("treated", treated, 4_500), ("holdout", [1_000, 1_400], 500)):
            _people(journey_id, scene, arm=arm, number=number, minor=minor, age=LONG_AGO, variant=variant)

    told = _effects(scene, journey_id)

    assert [(each["variant"], each["estimate"], each["verdict"]) for each in told["variants"]] == [
        ("plain", 0, "none"),
        ("warm", 600, "more"),
    ]
    assert told["revenue"]["estimate"] == 300
    assert [(arm["arm"], arm["entered"]) for arm in told["arms"]] == [("holdout", 1_000), ("treated", 9_000)]


@pytest.mark.parametrize("held_bps", [0, 1_000])
def test_variants_are_compared_with_each_other_also_where_nobody_is_held_out(scene: Scene, held_bps: int) -> None:
    journey_id = _tried(scene, held_bps=held_bps)
    for variant, treated in (("warm", [1_000, 2_600]), ("plain", [1_000, 1_400])):
        _people(journey_id, scene, arm="treated", number=900, minor=treated, age=LONG_AGO, variant=variant)
    _people(journey_id, scene, arm="treated", number=900, minor=[9_000], age=LONG_AGO)  # of no trial: in none of it

    plain, warm = [each["against_others"] for each in _effects(scene, journey_id)["variants"]]

    assert (warm["estimate"], warm["verdict"]) == (600, "more") and warm["words"].startswith("More than the others: ")
    assert (plain["estimate"], plain["low"], plain["high"]) == (-600, -warm["high"], -warm["low"])


def test_many_variants_share_the_one_miss_in_twenty(scene: Scene) -> None:
    """With ten to look at, one of ten ordinary intervals would miss in four experiments of ten."""
    few, many = _tried(scene), _tried(scene)
    for journey_id, variants in ((few, 2), (many, 10)):
        for number in range(variants):
            for arm in ("treated", "holdout"):
                size = (9_000 if arm == "treated" else 1_000) // variants
                _people(
                    journey_id, scene, arm=arm, number=size, minor=[1_000, 2_600], age=LONG_AGO, variant=f"v{number}"
                )
    widths = {
        journey_id: [each["high"] - each["low"] for each in _effects(scene, journey_id)["variants"]]
        for journey_id in (few, many)
    }

    # Of a fifth of the customers alone it would be wider by the root of five or so.
    assert min(widths[many]) > 1.05 * 5**0.5 * max(widths[few])


def test_the_control_group_stands_in_no_effect(scene: Scene) -> None:
    journey_id = _tried(scene)
    _people(journey_id, scene, arm="treated", number=900, minor=[1_000, 1_400], age=LONG_AGO)
    _people(journey_id, scene, arm="holdout", number=100, minor=[1_000, 1_400], age=LONG_AGO)
    before = _effects(scene, journey_id)
    _people(journey_id, scene, arm="control", number=500, minor=[9_000], age=LONG_AGO)

    after = _effects(scene, journey_id)

    assert after["revenue"] == before["revenue"] and after["sample_ratio"] == before["sample_ratio"]
    assert {arm["arm"] for arm in after["arms"]} == {"control", "holdout", "treated"}


def test_the_holdout_is_sticky_and_as_large_as_planned() -> None:
    """The same customers each time they enter, a tenth of any number of them, and other ones for another journey."""
    journey_id, other_id, people = ids.new(), ids.new(), [ids.new() for _ in range(20_000)]
    drawn = [arms.arm_of(journey_id, one, holdout_bps=1_000) for one in people]
    held = drawn.count("holdout")

    assert drawn == [arms.arm_of(journey_id, one, holdout_bps=1_000) for one in people]
    assert ratios.evidence((len(people) - held, held), (0.9, 0.1)) < 1
    assert drawn != [arms.arm_of(other_id, one, holdout_bps=1_000) for one in people]
    wider = [arms.arm_of(journey_id, one, holdout_bps=2_000) for one in people]
    assert all(after == "holdout" for before, after in zip(drawn, wider, strict=True) if before == "holdout")
