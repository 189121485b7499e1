"""Schedules: hours by the clock on the brand's wall (New York), across midnight and daylight saving."""

from datetime import UTC, datetime
from typing import Any

import pytest

from core.notes import Notes
from rewards.campaigns import schedules

HAPPY = {"weekly": [{"days": ["fri"], "from": "17:00", "to": "19:00"}], "except": ["2026-12-25"]}
NIGHT = {"weekly": [{"days": ["sat"], "from": "22:00", "to": "02:00"}], "except": ["2026-05-16"]}
EARLY = {"weekly": [{"days": ["sun"], "from": "01:30", "to": "02:30"}]}
ALL_DAY = {"weekly": [{"days": ["mon"], "from": "00:00", "to": "24:00"}]}


@pytest.mark.parametrize(
    ("schedule", "at", "is_open"),
    [
        (None, "2026-05-08T03:00", True),
        (HAPPY, "2026-05-08T20:59", False),  # 16:59
        (HAPPY, "2026-05-08T21:00", True),
        (HAPPY, "2026-05-08T22:59", True),
        (HAPPY, "2026-05-08T23:00", False),  # the end is not included
        (HAPPY, "2026-05-07T21:00", False),  # a Thursday
        (HAPPY, "2026-11-27T22:30", True),  # 17:30 in winter
        (HAPPY, "2026-12-25T22:30", False),
        (NIGHT, "2026-05-10T01:59", False),  # Saturday 21:59
        (NIGHT, "2026-05-10T02:00", True),
        (NIGHT, "2026-05-10T05:59", True),  # Sunday 01:59 still belongs to Saturday
        (NIGHT, "2026-05-10T06:00", False),
        (NIGHT, "2026-05-09T05:00", False),  # Saturday 01:00 would belong to Friday
        (NIGHT, "2026-05-17T05:00", False),  # the Saturday on which it began is excepted
        (EARLY, "2026-03-08T06:59", True),  # 01:59, then the clock jumps to 03:00
        (EARLY, "2026-03-08T07:00", False),
        (EARLY, "2026-11-01T05:45", True),  # 01:45, the first time
        (EARLY, "2026-11-01T06:45", True),  # 01:45, the second time
        (EARLY, "2026-11-01T07:30", False),
        (ALL_DAY, "2026-05-04T04:00", True),
        (ALL_DAY, "2026-05-05T03:59", True),
        (ALL_DAY, "2026-05-05T04:00", False),
    ],
)
def test_it_is_open_by_the_brands_clock(schedule: dict[str, Any] | None, at: str, is_open: bool) -> None:
    assert schedules.is_open(schedule, datetime.fromisoformat(at).replace(tzinfo=UTC)) is is_open


@pytest.mark.parametrize("schedule", [HAPPY, NIGHT, EARLY, ALL_DAY])
def test_sound_schedule_has_no_faults(schedule: dict[str, Any]) -> None:
    notes = Notes()
    schedules.parse(schedule, notes)
    assert notes.errors == []


@pytest.mark.parametrize(
    ("schedule", "pointer", "word"),
    [
        ([], "", "object"),
        ({}, "/weekly", "missing"),
        ({"weekly": []}, "/weekly", "1 to 50"),
        ({"weekly": [{"days": ["fri"], "from": "9:00", "to": "10:00"}]}, "/weekly/0/from", "09:00"),
        ({"weekly": [{"days": ["fri"], "from": "24:00", "to": "10:00"}]}, "/weekly/0/from", "time of the day"),
        ({"weekly": [{"days": ["fri"], "from": "09:00", "to": "09:00"}]}, "/weekly/0/to", "24:00"),
        ({"weekly": [{"days": ["friday"], "from": "09:00", "to": "10:00"}]}, "/weekly/0/days/0", "mon, tue"),
        ({"weekly": [{"days": "fri", "from": "09:00", "to": "10:00"}]}, "/weekly/0/days", "list"),
        ({**ALL_DAY, "except": ["2026-02-30"]}, "/except/0", "calendar"),
        ({**ALL_DAY, "except": [20260230]}, "/except/0", "calendar"),
        ({**ALL_DAY, "monthly": []}, "/monthly", "not known"),
    ],
)
def test_each_fault_is_named_where_it_stands(schedule: Any, pointer: str, word: str) -> None:
    notes = Notes()
    schedules.parse(schedule, notes)
    assert [error["pointer"] for error in notes.errors] == [pointer]
    assert word in notes.errors[0]["detail"]
