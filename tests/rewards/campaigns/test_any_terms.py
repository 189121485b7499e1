"""Whatever JSON staff send as limits, schedule or funders, they are told its faults, or it works at any moment."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.notes import Notes
from rewards.campaigns import limits, schedules
from tests.rewards.test_api import Door, campaign, staff

__all__ = ["staff"]

WORDS = some.sampled_from(
    ["weekly", "days", "from", "to", "except", "mon", "sun", "00:00", "09:30", "24:00", "2026-05-04", "scope", "total",
     "store", "customer", "measure", "uses", "amount", "period", "day", "week", "ever", "most"]
)  # fmt: skip
LEAVES = some.none() | some.booleans() | some.integers(-2, 10**20) | some.floats(allow_nan=False) | some.text() | WORDS
JSON = some.recursive(
    LEAVES, lambda inner: some.lists(inner, max_size=4) | some.dictionaries(WORDS | some.text(), inner, max_size=4)
)
HOURS = some.fixed_dictionaries(
    {"days": some.lists(WORDS, max_size=3) | JSON, "from": WORDS | JSON, "to": WORDS | JSON}
)
AT = some.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=some.just(UTC))  # noqa: DTZ001


@given(raw=JSON | some.fixed_dictionaries({"weekly": some.lists(HOURS, max_size=3)}, optional={"except": JSON}), at=AT)
def test_schedule_is_faulty_or_says_whether_it_is_open(raw: Any, at: datetime) -> None:
    notes = Notes()
    schedules.parse(raw, notes)
    if not notes.errors:
        assert schedules.is_open(raw, at) in (True, False)


@given(raw=JSON | some.lists(some.dictionaries(WORDS, WORDS | some.integers(-1, 9), max_size=4), max_size=3))
def test_limits_are_faulty_or_name_their_bucket(raw: Any) -> None:
    notes = Notes()
    limits.parse(raw, notes, is_gift_card=False)
    if not notes.errors:
        assert all(each["most"] > 0 and limits.bucket(each["period"], datetime.now(UTC)) is not None for each in raw)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a\x00b"},
        {"category": "a\x00b"},
        {"category": "\ud800"},
        {"schedule": {"weekly": [{"days": ["\x00"], "from": "\x00", "to": "\x00"}]}},
        {"funders": [{"funder": "partner:\x00", "bps": 10_000}]},
        {"limits": [{"scope": "\x00", "measure": "uses", "period": "day", "most": 1}]},
        {"rule": {"fact": "line.category", "is": "equals", "value": "\x00"}},
        {"skus": ["\x00"]},
        {"priority": 40_000},
        {"uses_per_code": 0},
        {"holdout_bps": -1},
    ],
)
def test_what_the_database_could_not_keep_is_refused_before_it(staff: Door, changes: dict[str, Any]) -> None:
    answer = staff.post("/campaigns", campaign(**changes))
    assert 400 <= answer.status_code < 500, answer.json
    assert staff.get("/campaigns").json["items"] == []
