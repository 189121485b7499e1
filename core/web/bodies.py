"""Bodies: what is no JSON, or JSON that PostgreSQL cannot keep, is refused before any view sees it."""

import json
import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Request
from flask.json.provider import DefaultJSONProvider
from flask_smorest import Blueprint
from marshmallow import missing
from werkzeug.exceptions import UnsupportedMediaType

from core.errors import Malformed
from core.web import unproxied

View = TypeVar("View", bound=Callable[..., Any])

MAX_BODY_BYTES = 1_000_000

#: Deeper than any body we take, and far from where Python's or PostgreSQL's own parser gives up.
MAX_DEPTH = 100

#: What a body must hold to be worth a second look: a number that is none or long enough to be past every float, an
#: escaped NUL, a surrogate (escaped or raw). One class begins each, which is what makes it quick to search for.
_SUSPECT = re.compile(rb"[\s,:\[\\\xed](?:-?[NI]|[\d.-]{200}|[\d.-]+[eE]\+?\d{3}|u0000|u[dD][89a-fA-F]|[\xa0-\xbf])")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Json(DefaultJSONProvider):
    """JSON whose objects name each member once. RFC 8259 leaves open which of two counts, so whoever looks a request
    over before us might see another amount than we do."""

    sort_keys = False

    def loads(self, s: str | bytes, **options: Any) -> Any:
        """raises  Malformed"""
        return _DECODER.decode(s if isinstance(s, str) else s.decode(json.detect_encoding(s)))


def up_to(most_bytes: int) -> Callable[[View], View]:
    """Let a view's body be larger than others' may be, anywhere among its decorators."""

    def declare(view: View) -> View:
        view.__dict__["most_bytes"] = most_bytes
        return view

    return declare


def look_over() -> None:
    """Hold the body to its view's limit, then refuse what no row could keep.

    raises  Malformed; 413 for a body over the limit
    """
    app, given = unproxied.app(), unproxied.request()
    _set_limit(app, given)
    _refuse_unstorable_text(app, given)


def _set_limit(app: Flask, given: Request) -> None:
    """Take the limit that the view declares, before anything reads the body."""
    view = app.view_functions.get(given.endpoint or "")
    most_bytes = getattr(view, "most_bytes", None)
    if most_bytes is not None:
        given.max_content_length = most_bytes


def _refuse_unstorable_text(app: Flask, given: Request) -> None:
    """A NUL, half a surrogate pair or a number past every float is JSON to Python, but not to PostgreSQL."""
    if b"%00" in given.query_string or "\0" in given.path:
        raise Malformed("A NUL character cannot be stored")
    if given.mimetype == "application/x-www-form-urlencoded" and b"%00" in given.get_data(cache=True):
        raise Malformed("A NUL character cannot be stored")
    door = app.extensions["door_of"].get(given.blueprint)
    if door is not None and door.reads_raw_bodies:
        return  # packed, perhaps, and mended call by call
    if given.is_json:
        check(given.get_data(cache=True))


def check(data: bytes) -> None:
    """Refuse a JSON body that cannot be kept; most are passed by three quick looks, without parsing them twice.

    raises  Malformed
    """
    if b"\0" in data:
        raise Malformed("The body must be JSON in UTF-8, without NUL characters")
    if not _SUSPECT.search(data) and not _may_be_deep(data):
        return
    try:
        body = json.loads(data.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not valid JSON") from error
    _walk(body)


def _may_be_deep(data: bytes) -> bool:
    """Whether brackets could nest past MAX_DEPTH: pairs are peeled off layer by layer (those within texts mislead it
    towards yes, and then the body is parsed)."""
    brackets = data.translate(None, _ALL_BUT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return bool(brackets)


def _walk(body: Any) -> None:
    layer = [body]
    for _ in range(MAX_DEPTH):
        if not layer:
            return
        below: list[Any] = []
        for item in layer:
            if isinstance(item, dict):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str):
                _check_text(item)
            elif isinstance(item, float) and not math.isfinite(item):
                raise Malformed("The body holds a number that is too large")
        layer = below
    raise Malformed("The body is nested too deeply")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Malformed("A NUL character cannot be stored")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Malformed("The body holds half of a surrogate pair") from error


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for place, (name, _) in enumerate(pairs) if name in [other for other, _ in pairs[:place]])
        raise Malformed(f"The body names {twice!r} twice")
    return found


#: Made once: `json.loads` makes a decoder for each call that is no plain one.
_DECODER = json.JSONDecoder(object_pairs_hook=_each_once)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


@Blueprint.ARGUMENTS_PARSER.location_loader("json")  # type: ignore[untyped-decorator]
def load_json(_: Request, __: Any) -> Any:
    """How every view's JSON arguments are read: a body of another kind is a 415, where webargs would see no body.

    It is parsed once, by Flask, whose request keeps what came of it for the fingerprint of an idempotent command.
    """
    given = unproxied.request()
    if not given.get_data(cache=True):
        return missing
    if not given.is_json:
        raise UnsupportedMediaType("Send the body as JSON, with `Content-Type: application/json`")
    return given.get_json()
