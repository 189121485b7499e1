"""Ready-made journeys: each is published as it comes out of the drawer, once it is filled in."""

from typing import Any

import pytest

from engage.journeys import graph, ready
from engage.journeys.errors import JourneyInvalid

VALUES = {
    "campaign_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "segment": "lapsed",
    "category": "COFFEE",
    "partner": "PASTRY",
}


def filled(one: ready.Ready) -> dict[str, Any]:
    return ready.filled(one, {need["name"]: VALUES[need["name"]] for need in one.needs})


def test_there_is_one_for_each_stage_of_a_customers_life() -> None:
    assert [one.key for one in ready.every()] == [
        "welcome", "first_purchase", "abandoned_basket", "cross_sell", "lapsing_voucher", "win_back", "birthday"
    ]  # fmt: skip


@pytest.mark.parametrize("one", ready.every(), ids=lambda one: one.key)
def test_each_is_without_fault(one: ready.Ready) -> None:
    drawn = graph.parse(filled(one))

    assert drawn.goal is not None
    assert "<" not in str(filled(one))


@pytest.mark.parametrize("one", [one for one in ready.every() if one.needs], ids=lambda one: one.key)
def test_what_is_missing_is_asked_for_by_name(one: ready.Ready) -> None:
    with pytest.raises(JourneyInvalid) as refused:
        ready.filled(one, {})

    assert [error["pointer"] for error in refused.value.facts["errors"]] == [
        f"/values/{need['name']}" for need in one.needs
    ]


def test_a_value_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(JourneyInvalid):
        ready.filled(ready.find("welcome"), {"campaign": "x"})


def test_an_unknown_one_is_refused_with_what_was_meant() -> None:
    with pytest.raises(JourneyInvalid) as refused:
        ready.find("welcom")

    assert "Did you mean “welcome”?" in refused.value.facts["errors"][0]["detail"]
