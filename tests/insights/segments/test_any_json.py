"""Whatever is sent as a condition is taken or refused in words; it never raises, and nothing unsound is decided."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import connect.events  # noqa: F401 - so that conditions know the events from outside
from core.notes import Notes
from insights.segments import parse
from tests.insights.segments.test_two_meanings import CONDITIONS

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_WORDS = """
    all any not trait profile event wallet voucher segment means is value where field count sum within_days first last
    days named currency holds redeemed expires_within_days campaign_id at_least equals one_of present contains plan
    order.completed outside.track orders phase locale cash points true
"""
WORDS = st.sampled_from(_WORDS.split())
ANYTHING = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def nearly_conditions(draw: st.DrawFn) -> Any:
    """A sound condition with one of its members replaced by anything."""
    raw = json.loads(json.dumps(draw(CONDITIONS)))
    place = raw
    while True:
        key = draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else draw(st.integers(0, len(place) - 1))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
            place[key] = draw(ANYTHING)
            return raw
        place = place[key]


@settings(max_examples=400, deadline=None)
@given(raw=ANYTHING | nearly_conditions())
def test_any_json_is_taken_or_refused_in_words(raw: Any) -> None:
    notes = Notes("/condition")

    condition = parse(raw, notes)

    assert all(error["pointer"].startswith("/condition") and error["detail"] for error in notes.errors)
    assert condition.streams is not None
    if not notes.errors:
        json.dumps(raw, allow_nan=False)  # so it can be kept


def test_a_tower_of_conditions_is_refused() -> None:
    tower: Any = {"field": "a", "is": "present"}
    for _ in range(400):
        tower = {"not": tower}

    for raw in (tower, {"event": "order.completed", "where": tower}):
        notes = Notes("/condition")
        parse(raw, notes)
        assert notes.errors
