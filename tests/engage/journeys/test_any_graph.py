"""Whatever staff send as a journey is parsed or refused with its faults, never anything else."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core import ids
from engage.journeys import graph
from engage.journeys.errors import JourneyInvalid
from tests.engage.conftest import both_branches

_WORDS = st.sampled_from(
    ["gift", "tell", "wait", "all", "any", "not", "field", "is", "value", "equals", "kind", "next", "message", "exit"]
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | _WORDS
_JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4))


def places(raw: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = (
        [place for name, value in raw.items() for place in places(value, (*path, name))]
        if raw and isinstance(raw, dict)
        else []
    )
    return [path, *inner]


_PLACES = places(both_branches(ids.new()))


@settings(max_examples=300, deadline=None, database=None)
@given(place=st.sampled_from(_PLACES), value=_JSON)
def test_any_value_at_any_place_is_taken_or_refused(place: tuple[str, ...], value: Any) -> None:
    raw: Any = both_branches(ids.new())
    if not place:
        raw = value
    else:
        within = raw
        for name in place[:-1]:
            within = within[name]
        within[place[-1]] = value

    try:
        graph.parse(raw)
    except JourneyInvalid as refused:
        assert refused.facts["errors"]
