"""What a rule's author is told."""

from typing import Any

import pytest

from core.notes import Notes
from rewards import rules


def faults(raw: Any, **known: Any) -> list[tuple[str, str]]:
    notes = Notes("/rule")
    rules.parse(raw, notes, **known)
    return [(error["pointer"], error["detail"]) for error in notes.errors]


def test_a_sound_rule_has_no_faults() -> None:
    raw = {
        "all": [
            {"fact": "basket.total_minor", "is": "at_least", "value": 2000},
            {"any": [{"fact": "time.weekday", "is": "one_of", "value": ["sat", "sun"]}]},
            {"not": {"any_line": {"fact": "line.category", "is": "equals", "value": "BEER"}}},
        ]
    }

    assert faults(raw) == []


@pytest.mark.parametrize(
    ("raw", "pointer", "said"),
    [
        (
            {"fact": "basket.totl", "is": "at_least", "value": 1},
            "/rule/fact",
            "There is no fact “basket.totl”. Did you mean “basket.total_minor”?",
        ),
    ],
)
def test_each_fault_is_told_where_it_stands(raw: Any, pointer: str, said: str) -> None:
    assert faults(raw) == [(pointer, said)]
