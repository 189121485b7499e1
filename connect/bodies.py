"""Bodies of the ingest door: unpacked within limits, and read so that nothing a client wrote can break a statement."""

import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connect.errors import BatchTooLarge, BatchUnreadable

#: Segment's own limits, by which its clients cut their batches.
BATCH_BYTES = 500 * 1024
EVENT_BYTES = 32 * 1024
BATCH_EVENTS = 500

#: A JSON document nested deeper than this is an attack on whoever reads it next.
DEPTH = 32

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

#: How JSON writes what cannot be stored: a raw NUL is no JSON, and half a surrogate pair no UTF-8.
_MAY_BE_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_SPACE = re.compile(r"[ \t\n\r]*")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class TooDeep(ValueError):
    """A value is nested deeper than DEPTH."""


@dataclass(frozen=True, slots=True)
class Body:
    """The JSON object of a request.

    is_plain   no text of it needs mending and nothing is nested too deep, so that no call has to be walked for it
    lengths    how many characters each item of `batch` was written with; None where that tells nothing of its bytes
    """

    members: dict[str, Any]
    is_plain: bool
    lengths: Sequence[int] | None = None


def unpack(data: bytes, encoding: str) -> bytes:
    """The body itself, gunzipped if its Content-Encoding says so, never unpacked past the limit.

    raises  BatchTooLarge past BATCH_BYTES either way; BatchUnreadable for a broken gzip stream or another encoding
    """
    if len(data) > BATCH_BYTES:
        raise BatchTooLarge
    if encoding in ("", "identity"):
        return data
    if encoding not in ("gzip", "x-gzip"):
        raise BatchUnreadable("Content-Encoding may be gzip or none")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(data, BATCH_BYTES + 1)
    except zlib.error as error:
        raise BatchUnreadable("The gzip stream is broken") from error
    if len(unpacked) > BATCH_BYTES:
        raise BatchTooLarge
    if not unpacker.eof:
        raise BatchUnreadable("The gzip stream is cut off")
    return unpacked


def parse(data: bytes) -> Body:
    """The JSON object of a body. NaN and Infinity, which some clients write, read as null.

    raises  BatchUnreadable for anything else
    """
    try:
        text = data.decode("utf-8-sig")
        members, lengths = _read(text)
    except (ValueError, RecursionError) as error:
        raise BatchUnreadable from error
    is_plain = not _MAY_BE_UNSTORABLE.search(data) and not _may_be_deep(data)
    return Body(members, is_plain, lengths if text.isascii() else None)


def _read(text: str) -> tuple[dict[str, Any], list[int]]:
    """The object, its members read one by one, and those of `batch`, too: so it is known how long each was written, and
    none has to be written anew to be measured.

    raises  ValueError where it is no JSON, or no object
    """
    members: dict[str, Any] = {}
    lengths: list[int] = []
    at = _past(text, 0, "{")
    if text[at : at + 1] != "}":
        while True:
            key, at = _scan(text, at)
            if not isinstance(key, str):
                raise ValueError
            at = _past(text, at, ":")
            if key == "batch" and text[at : at + 1] == "[":
                members[key], lengths, at = _read_items(text, at)
            else:
                members[key], at = _scan(text, at)
            at = _skip(text, at)
            if text[at : at + 1] != ",":
                break
            at = _skip(text, at + 1)
    if _past(text, at, "}") != len(text):
        raise ValueError
    return members, lengths


def _read_items(text: str, at: int) -> tuple[list[Any], list[int], int]:
    """The items of a list that begins here, how long each was written, and where the list ends."""
    items: list[Any] = []
    lengths: list[int] = []
    at = _past(text, at, "[")
    if text[at : at + 1] == "]":
        return items, lengths, at + 1
    while True:
        item, end = _scan(text, at)
        items.append(item)
        lengths.append(end - at)
        at = _skip(text, end)
        if text[at : at + 1] != ",":
            return items, lengths, _past(text, at, "]")
        at = _skip(text, at + 1)


def _past(text: str, at: int, sign: str) -> int:
    """Where it goes on after a sign, which must be the next, and what space follows it."""
    at = _skip(text, at)
    if text[at : at + 1] != sign:
        raise ValueError
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _may_be_deep(data: bytes) -> bool:
    """Whether brackets could nest past DEPTH: pairs are peeled off layer by layer. Those within texts mislead it
    towards yes, and then each call is walked."""
    brackets = data.translate(None, _ALL_BUT_BRACKETS)
    for _ in range(DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return bool(brackets)


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if number - number == 0 else None


#: Python's own reader of one value: (text, where) -> (value, where it ends).
_scan = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite).raw_decode


def storable(value: Any, depth: int = DEPTH) -> Any:
    """The same value with what PostgreSQL cannot store (NUL, lone surrogates) replaced by U+FFFD.

    raises  TooDeep
    """
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, dict):
        if depth == 0:
            raise TooDeep
        return {_storable_text(key): storable(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        if depth == 0:
            raise TooDeep
        return [storable(item, depth - 1) for item in value]
    return value


def _storable_text(text: str) -> str:
    return text if text.isprintable() else _UNSTORABLE.sub("\ufffd", text)
