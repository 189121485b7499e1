"""Bodies are read as Python's own JSON reads them, item by item."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies

from connect import bodies
from connect.errors import BatchUnreadable

values = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text() | strategies.floats(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=12,
)
layouts = strategies.sampled_from([{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}])


def expected(data: bytes) -> Any:
    """What Python's reader says, or None where it is no JSON object."""
    try:
        found = json.loads(data.decode("utf-8-sig"), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def given_as(data: bytes) -> bodies.Body | None:
    try:
        return bodies.parse(data)
    except BatchUnreadable:
        return None


@given(strategies.dictionaries(strategies.sampled_from(["batch", "sentAt", "", "é"]), values), layouts)
def test_any_object_is_read_as_python_reads_it(body: dict[str, Any], layout: dict[str, Any]) -> None:
    data = json.dumps(body, **layout).encode("utf-8", "surrogatepass")

    found = given_as(data)

    assert repr(found and found.members) == repr(expected(data))


@given(strategies.dictionaries(strategies.sampled_from(["batch", "sentAt"]), values), strategies.data())
def test_what_is_cut_or_changed_is_refused_where_python_refuses_it(body: dict[str, Any], data: Any) -> None:
    text = json.dumps(body)
    at = data.draw(strategies.integers(0, len(text)))
    changed = text[:at] + data.draw(strategies.sampled_from(["", ",", "}", "]", '"', " ", "x"])) + text[at + 1 :]

    found = given_as(changed.encode())

    assert repr(found and found.members) == repr(expected(changed.encode()))


@pytest.mark.parametrize(
    "text",
    [
        ' { "batch" : [ ] , "sentAt" : null } ',
        '{"batch": [1, {"a": [2]}, "]"], "batch": [3]}',
        '{"batch": 5}',
        '\t{"batch":[{}\n,\r{} ]}',
        '{"batch": [1,]}',
        '{"batch": [1 2]}',
        '{"batch": [,1]}',
        '{"batch": [1]',
        '{"batch": [1]} {}',
        '{"batch": [1],}',
        "{,}",
        "{",
        "",
        "[]",
        '{"a" 1}',
        "{'a': 1}",
        '{"a\\u00e9": NaN, "b": -Infinity}',
    ],
)
def test_odd_layouts_are_read_or_refused_as_python_does(text: str) -> None:
    found = given_as(text.encode())

    assert (found and found.members) == expected(text.encode())


def test_lengths_are_those_of_the_items_as_they_were_written() -> None:
    found = bodies.parse(b'{"batch": [ {"a": 1} , [2,3],"x" ], "more": [1]}')

    assert found.lengths == [8, 5, 3]
    assert bodies.parse('{"batch": ["é"]}'.encode()).lengths is None
