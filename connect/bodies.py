"""Bodies of the ingest door: unpacked within limits, and read so that nothing a client wrote can break a statement."""

import json
import re
import zlib
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
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class TooDeep(ValueError):
    """A value is nested deeper than DEPTH."""


@dataclass(frozen=True, slots=True)
class Body:
    """The JSON object of a request.

    is_plain   no text of it needs mending and nothing is nested too deep, so that no call has to be walked for it
    """

    members: dict[str, Any]
    is_plain: bool


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
        members = json.loads(data.decode("utf-8-sig"), parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BatchUnreadable from error
    if not isinstance(members, dict):
        raise BatchUnreadable
    return Body(members, is_plain=not _MAY_BE_UNSTORABLE.search(data) and not _may_be_deep(data))


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
