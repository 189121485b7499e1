"""Hostile requests, made from an OpenAPI document: every parameter and every member of a body, each spoilt in turn."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: A list in a list, and so on: as deep as a body may be sent.
DEEP: Any = json.loads("[" * 200 + "]" * 200)

#: What is put into the place of a value. Some are what JSON allows and nobody expects, some what only looks like it.
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 2**31, 2**53, 2**63, 2**64, -(2**63) - 1, 10**40, 1e308, float("nan"), float("inf"),
    "", " ", "\0", "a\0b", "\ud800", "x" * 5_000, "\u202eabc\u202c", "e\u0301" * 50, "\U0001d54f" * 70,
    "\r\nSet-Cookie: a=b",
    "' OR 1=1 --", "<script>alert(1)</script>", "{{ 7 * 7 }}{% for a in b %}", "../../etc/passwd", "%00%2e%2e", "=1+1",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-45T99:99:99Z", "9999-99", "NaN", "1e400",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "+999999999999999", "a@b", "http://[::1",
    DEEP, [], {}, [None] * 50, [[]], {"": ""}, {"$ref": "#"}, {"amount_minor": "1", "currency": "\u0000"},
)  # fmt: skip

_DEPTH = 4


@dataclass(frozen=True)
class Hostile:
    """A request with one thing spoilt; `what` says which."""

    operation: str
    what: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    body: Any = None
    raw: bytes | None = None


def requests_of(
    document: dict[str, Any], operation: str, *, values: Sequence[Any] = VALUES, is_raw: bool = True
) -> Iterator[Hostile]:
    """Every request that puts one of the values in the place of one thing, always in the same order.

    is_raw  also bodies that are no JSON at all
    """
    method, path = operation.split(" ")
    spec = document["paths"][path][method.lower()]
    common = document["paths"][path].get("parameters", ())
    parameters = [_resolved(document, each) for each in (*common, *spec.get("parameters", ()))]
    content = spec.get("requestBody", {}).get("content", {})
    base = _example(document, content["application/json"]["schema"], 0) if "application/json" in content else None
    for parameter in parameters:
        for value in values:
            named = {parameter["name"]: _text(value)}
            what = f"{parameter['in']} {parameter['name']} = {value!r:.60}"
            if parameter["in"] == "path":
                yield Hostile(operation, what, path=named, body=base)
            elif parameter["in"] == "query":
                yield Hostile(operation, what, query=named, body=base)
    if base is not None:
        for place, spoilt in _spoilt(base, values):
            yield Hostile(operation, f"body {place}", body=spoilt)
        for raw in () if not is_raw else (b"", b"{", b"\xff\xfe", b'{"a": 1, "a": 2}', b"[" * 100_000):
            yield Hostile(operation, f"raw {raw!r:.30}", raw=raw)
    form = content.get("application/x-www-form-urlencoded")
    if form is not None or (method == "POST" and path.startswith("/oauth/")):
        names = list(_resolved(document, (form or {}).get("schema", {})).get("properties", {})) or [
            "client_id",
            "token",
        ]
        for name in names:
            for value in values:
                others = {other: "x" for other in names if other != name}
                yield Hostile(operation, f"form {name} = {value!r:.60}", form={**others, name: _text(value)})


def _spoilt(base: Any, values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """The body with each of its members replaced by each value, one at a time."""
    for value in values:
        yield f"whole = {value!r:.60}", value
    for place in _places(base):
        for value in values:
            yield f"/{'/'.join(map(str, place))} = {value!r:.60}", _with(base, place, value)
    if isinstance(base, dict):
        yield "one member more", {**base, "customer_id": "x", "is_admin": True}


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*at, key)
        yield from _places(inner, (*at, key))


def _with(value: Any, place: tuple[Any, ...], spoilt: Any) -> Any:
    if not place:
        return spoilt
    first, rest = place[0], place[1:]
    if isinstance(value, dict):
        return {**value, first: _with(value[first], rest, spoilt)}
    return [_with(item, rest, spoilt) if number == first else item for number, item in enumerate(value)]


def _example(document: dict[str, Any], schema: dict[str, Any], depth: int) -> Any:
    """A body as its schema wants it, or nearly so."""
    schema = _resolved(document, schema)
    for word in ("example", "default"):
        if schema.get(word) is not None:
            return schema[word]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("oneOf", "anyOf", "allOf"):
        if schema.get(word):
            return _example(document, schema[word][0], depth)
    kind = schema.get("type")
    kind = next((each for each in kind if each != "null"), None) if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        members = schema.get("properties", {}) if depth < _DEPTH else {}
        asked = {name: member for name, member in members.items() if not member.get("readOnly")}
        return {name: _example(document, member, depth + 1) for name, member in asked.items()}
    if kind == "array":
        return [_example(document, schema.get("items", {}), depth + 1)] if depth < _DEPTH else []
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return {"boolean": True}.get(str(kind), _WRITTEN.get(schema.get("format", ""), "x"))


_WRITTEN = {"uuid": "01900000-0000-7000-8000-000000000000", "date-time": "2026-11-22T12:00:00Z", "date": "2026-11-22"}


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _text(value: Any) -> str:
    """As a URL or a form can say it; what no encoding can write is left out."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()
