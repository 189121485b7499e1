"""Traits: the latest value of each, what it was before, and who said so."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from core import db, ids
from core.events.announce import MAX_DEPTH, Event
from core.settings import Settings
from insights.profiles import histories, traits
from insights.profiles.api import staff as api
from insights.profiles.events import TraitSet
from tests.connect.people import logged
from tests.insights import doors
from tests.insights.log import a_customer, at, identify, play, profile

pytestmark = pytest.mark.usefixtures("database")


def values_of(customer_id: UUID, name: str = "plan") -> list[tuple[Any, Any]]:
    """(value, minute), the latest first."""
    with db.transaction() as session:
        found = histories.history(session, customer_id, name)
    return [(change.value, (change.at - at(0)).total_seconds() / 60) for change in found]


def changed() -> list[tuple[str, Any, str]]:
    told = [event["payload"] for event in logged(ours=True) if event["name"] == "trait.changed"]
    return [(payload["trait"], payload["value"], payload["source"]) for payload in told]


def set_by_a_journey(customer_id: UUID, value: Any, *, minutes: int = 0, trait: str = "plan", depth: int = 0) -> Event:
    return TraitSet(customer_id=customer_id, occurred_at=at(minutes), trait=trait, value=value, depth=depth)


def test_history_holds_each_value_from_when_it_changed() -> None:
    customer_id = a_customer()

    for minutes, plan in enumerate(["silver", "silver", "gold", "gold", "silver"]):
        play(identify(customer_id, traits={"plan": plan}, minutes=minutes))

    assert values_of(customer_id) == [("silver", 4), ("gold", 2), ("silver", 0)]
    assert changed() == [("plan", plan, "pocketful") for plan in ("silver", "gold", "silver")]


def test_a_late_report_takes_its_place_in_the_history_and_changes_nothing_else() -> None:
    customer_id = a_customer()
    play(identify(customer_id, traits={"plan": "gold"}, minutes=1))
    play(identify(customer_id, traits={"plan": "gold"}, minutes=5))

    play(identify(customer_id, traits={"plan": "silver"}, minutes=3))

    assert values_of(customer_id) == [("gold", 5), ("silver", 3), ("gold", 1)]
    assert profile(customer_id).traits == {"plan": "gold"}
    assert changed() == [("plan", "gold", "pocketful")]


def test_one_and_true_are_two_values() -> None:
    customer_id = a_customer()

    for minutes, value in enumerate([1, True, True, 0, False, None]):
        play(identify(customer_id, traits={"plan": value}, minutes=minutes))

    assert [repr(value) for value, _ in values_of(customer_id)] == ["None", "False", "0", "True", "1"]


def test_late_reports_that_come_together_tell_from_when_on_the_value_held() -> None:
    customer_id = a_customer()
    play(identify(customer_id, traits={"plan": "gold"}, minutes=5))

    play(*[identify(customer_id, traits={"plan": "silver"}, minutes=n) for n in (3, 2, 4)])

    assert values_of(customer_id) == [("gold", 5), ("silver", 2)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_latest_value_stays_in_whatever_order_reports_come_in(order: Sequence[int]) -> None:
    customer_id = a_customer()
    reports = [identify(customer_id, traits={"plan": value}, minutes=value) for value in range(3)]

    for place in order:
        play(reports[place])

    assert profile(customer_id).traits == {"plan": 2}
    assert values_of(customer_id)[0] == (2, 2)


def test_a_journey_sets_a_trait_by_an_event() -> None:
    customer_id = a_customer()
    play(identify(customer_id, traits={"plan": "silver"}))

    play(set_by_a_journey(customer_id, "gold", minutes=1))

    assert profile(customer_id).traits == {"plan": "gold"}
    assert changed()[-1] == ("plan", "gold", "journey")


def test_a_value_of_many_parts_is_kept_but_not_told_again() -> None:
    customer_id = a_customer()

    play(identify(customer_id, traits={"sizes": {"shoe": 42}}))

    assert profile(customer_id).traits == {"sizes": {"shoe": 42}}
    assert changed() == [("sizes", None, "pocketful")]


def test_a_chain_that_is_too_long_still_sets_the_trait_but_tells_nobody() -> None:
    customer_id = a_customer()

    play(set_by_a_journey(customer_id, "deep", depth=MAX_DEPTH))

    assert profile(customer_id).traits == {"plan": "deep"}
    assert changed() == []


def test_a_hundred_traits_are_the_most_that_a_customer_has() -> None:
    customer_id = a_customer()
    play(identify(customer_id, traits={f"t{n:03d}": n for n in range(traits.TRAITS - 1)}))

    play(identify(customer_id, traits={"t999": 1, "t998": 1}, minutes=1))
    play(identify(customer_id, traits={"t000": "known ones still change"}, minutes=2))

    found = profile(customer_id).traits
    assert len(found) == traits.TRAITS
    assert found["t000"] == "known ones still change"


def test_two_hundred_values_of_a_trait_are_kept() -> None:
    customer_id = a_customer()

    play(*[identify(customer_id, traits={"visits": n}, minutes=n) for n in range(histories.HISTORY + 3)])

    found = values_of(customer_id, "visits")
    assert (len(found), found[0], found[-1]) == (histories.HISTORY, (202, 202), (3, 3))


def test_staff_see_what_a_trait_was_before(settings: Settings) -> None:
    customer_id = a_customer()
    play(*[identify(customer_id, traits={"plan": plan}, minutes=n) for n, plan in enumerate(["silver", "gold"])])
    staff = doors.staff(settings, [api.blueprint], frozenset({"customers.read"}))
    nobody = doors.staff(settings, [api.blueprint], frozenset({"journeys.read"}))

    answer = staff.get(f"/admin/v1/customers/{customer_id}/traits/plan")

    assert answer.json == {
        "name": "plan",
        "items": [
            {"value": "gold", "at": "2026-11-20T12:01:00Z", "source": "pocketful"},
            {"value": "silver", "at": "2026-11-20T12:00:00Z", "source": "pocketful"},
        ],
    }
    assert staff.get(f"/admin/v1/customers/{customer_id}/traits/never").json == {"name": "never", "items": []}
    assert staff.get(f"/admin/v1/customers/{ids.new()}/traits/plan").status_code == 404
    assert nobody.get(f"/admin/v1/customers/{customer_id}/traits/plan").status_code == 403


def test_of_a_value_that_is_too_long_the_history_has_its_length_and_digest() -> None:
    customer_id = a_customer()
    longest, longer, other = "x" * (histories.LONGEST - 2), "y" * (histories.LONGEST - 1), "z" * (histories.LONGEST - 1)

    for minutes, value in enumerate([longest, longer, longer, other], 1):
        play(identify(customer_id, traits={"plan": value}, minutes=minutes))
    play(identify(customer_id, traits={"plan": longer}, minutes=3))  # late, and what it was then

    found = values_of(customer_id)
    assert [minute for _, minute in found] == [4, 2, 1]
    assert found[2] == (longest, 1)
    assert [value["characters"] for value, _ in found[:2]] == [histories.LONGEST + 1] * 2
    assert found[0][0]["sha256"] != found[1][0]["sha256"]
    assert profile(customer_id).traits == {"plan": other}
