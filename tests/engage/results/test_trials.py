"""Variants of an A/B step: who counts to which, and how they are compared."""

from typing import Any
from uuid import UUID

import pytest

from tests.engage.conftest import Scene, gift, journey
from tests.engage.results.counted import count, outcomes, tallied
from tests.engage.results.trying import LONG_AGO, enter, put_people, told_of, tried


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
        enter(scene)
    count(scene)

    rows = outcomes(journey_id).values()
    assert {(row.arm, row.variant) for row in rows} == {(arm, "warm"), (arm, "plain")}
    told = tallied("journey", journey_id, "step", "variant")
    for variant in ("warm", "plain"):  # what was drawn at the entry is what the step gave
        assert told["step:done", "try", variant][0] == sum(row.variant == variant for row in rows)


def test_who_leaves_before_the_trial_counts_to_their_variant_as_well(scene: Scene) -> None:
    """Whoever an earlier step makes leave is missing in one arm alone: those who come are no fair sample."""
    journey_id = scene.publish(_trial(scene, first="ask"))
    people = [enter(scene) for _ in range(12)]
    for customer_id in people:
        scene.happen(scene.order(customer_id))
    count(scene)

    rows = outcomes(journey_id)
    assert {rows[customer_id].variant for customer_id in people} == {"warm", "plain"}
    assert ("step:done", "try", "warm") not in tallied("journey", journey_id, "step", "variant")


def test_a_step_that_draws_anew_at_each_visit_is_no_trial(scene: Scene) -> None:
    journey_id = scene.publish(_trial(scene, sticky=False))
    customer_id = enter(scene)
    count(scene)

    row = outcomes(journey_id)[customer_id]
    assert (row.variant, row.trial) == ("", None)


def test_other_shares_begin_another_trial_and_the_same_ones_go_on(scene: Scene) -> None:
    """Who enters on other days is another kind of people: they stand in no comparison of variants together."""
    journey_id = scene.publish(_trial(scene))
    people = [enter(scene)]
    for warm_bps in (5_000, 8_000):
        scene.move(minutes=1)
        scene.publish(_trial(scene, warm_bps=warm_bps), journey_id=journey_id)
        people.append(enter(scene))
    count(scene)

    first, same, other = [outcomes(journey_id)[customer_id].trial for customer_id in people]
    assert first == same != other
    told = told_of(scene, journey_id)
    assert [each["variant"] for each in told["variants"]] == [outcomes(journey_id)[people[-1]].variant]


def test_each_variant_is_compared_with_its_own_share_of_those_held_out(scene: Scene) -> None:
    journey_id = tried(scene)
    for variant, treated in (("warm", [1_000, 2_600]), ("plain", [1_000, 1_400])):
        for arm, minor, number in (("treated", treated, 4_500), ("holdout", [1_000, 1_400], 500)):
            put_people(journey_id, scene, arm=arm, number=number, minor=minor, age=LONG_AGO, variant=variant)

    told = told_of(scene, journey_id)

    assert [(each["variant"], each["estimate"], each["verdict"]) for each in told["variants"]] == [
        ("plain", 0, "none"),
        ("warm", 600, "more"),
    ]
    assert told["revenue"]["estimate"] == 300
    assert [(arm["arm"], arm["entered"]) for arm in told["arms"]] == [("holdout", 1_000), ("treated", 9_000)]


@pytest.mark.parametrize("held_bps", [0, 1_000])
def test_variants_are_compared_with_each_other_also_where_nobody_is_held_out(scene: Scene, held_bps: int) -> None:
    journey_id = tried(scene, held_bps=held_bps)
    for variant, treated in (("warm", [1_000, 2_600]), ("plain", [1_000, 1_400])):
        put_people(journey_id, scene, arm="treated", number=900, minor=treated, age=LONG_AGO, variant=variant)
    put_people(journey_id, scene, arm="treated", number=900, minor=[9_000], age=LONG_AGO)  # of no trial: in none of it

    plain, warm = [each["against_others"] for each in told_of(scene, journey_id)["variants"]]

    assert (warm["estimate"], warm["verdict"]) == (600, "more") and warm["words"].startswith("More than the others: ")
    assert (plain["estimate"], plain["low"], plain["high"]) == (-600, -warm["high"], -warm["low"])


def test_many_variants_share_the_one_miss_in_twenty(scene: Scene) -> None:
    """With ten to look at, one of ten ordinary intervals would miss in four experiments of ten."""
    few, many = tried(scene), tried(scene)
    for journey_id, variants in ((few, 2), (many, 10)):
        for number in range(variants):
            for arm in ("treated", "holdout"):
                size = (9_000 if arm == "treated" else 1_000) // variants
                put_people(
                    journey_id, scene, arm=arm, number=size, minor=[1_000, 2_600], age=LONG_AGO, variant=f"v{number}"
                )
    widths = {
        journey_id: [each["high"] - each["low"] for each in told_of(scene, journey_id)["variants"]]
        for journey_id in (few, many)
    }

    # Of a fifth of the customers alone it would be wider by the root of five or so.
    assert min(widths[many]) > 1.05 * 5**0.5 * max(widths[few])
