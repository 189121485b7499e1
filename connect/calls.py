"""Calls of the Segment HTTP API, checked one by one: a bad one is named, and the others of its batch are taken."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from connect import instants
from connect.bodies import BATCH_EVENTS, EVENT_BYTES, Body, TooDeep, storable
from connect.errors import BatchTooLarge, BatchUnreadable
from connect.events import BY_TYPE

_ID_CHARACTERS = 512
_NAME_CHARACTERS = 255
_COMMON_BYTES = 4 * 1024

#: Made once: `json.dumps` makes an encoder for each call that is no plain one.
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Call(NamedTuple):
    """One good call, its ids as the client wrote them. `previous_id` only in an alias."""

    type: str
    message_id: str | None
    user_id: str | None
    anonymous_id: str | None
    previous_id: str | None
    occurred_at: datetime
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rejection:
    """One bad call of a batch, named by its place and its messageId, never by its content."""

    index: int
    message_id: str | None
    pointer: str
    detail: str


class _Bad(Exception):
    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer, self.detail = pointer, detail


def of_batch(body: Body, *, received_at: datetime) -> tuple[list[Call], list[Rejection]]:
    """The good and the bad calls of `{"batch": [...], "sentAt": ..., "context": {...}}`.

    raises  BatchUnreadable without a batch; BatchTooLarge past BATCH_EVENTS
    """
    items = body.members.get("batch")
    if not isinstance(items, list):
        raise BatchUnreadable("A batch needs its calls in `batch`")
    if len(items) > BATCH_EVENTS:
        raise BatchTooLarge
    common, sent_at = _common(body.members.get("context")), instants.read(body.members.get("sentAt"))
    shared = _Shared(common, sent_at, received_at, body.is_plain)
    return _sorted_out(items, body.lengths, shared)


def of_single(body: Body, type_: str, *, received_at: datetime) -> tuple[list[Call], list[Rejection]]:
    """The same for a body that is itself one call of the type that its address names."""
    item = {key: value for key, value in body.members.items() if key != "writeKey"} | {"type": type_}
    return _sorted_out([item], None, _Shared({}, None, received_at, body.is_plain))


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all calls of a body have in common."""

    context: dict[str, Any]
    sent_at: datetime | None
    received_at: datetime
    is_plain: bool


def _common(context: Any) -> dict[str, Any]:
    """The context that all calls of a batch share; it is logged with each, so it must be small."""
    if not isinstance(context, dict):
        return {}
    if _size(context) > _COMMON_BYTES:
        raise BatchTooLarge("The context of a batch has at most 4 KB")
    try:
        return dict(storable(context))
    except TooDeep as error:
        raise BatchUnreadable from error


def _sorted_out(
    items: Sequence[Any], lengths: Sequence[int] | None, shared: _Shared
) -> tuple[list[Call], list[Rejection]]:
    good: list[Call] = []
    bad: list[Rejection] = []
    for index, item in enumerate(items):
        # Written anew, without spaces and escapes, it is never longer: only what was written long has to be measured.
        may_be_large = lengths is None or lengths[index] > EVENT_BYTES
        try:
            good.append(_call(item, shared, may_be_large=may_be_large))
        except _Bad as error:
            bad.append(Rejection(index, _message_id_of(item), error.pointer, error.detail))
    return good, bad


def _call(item: Any, shared: _Shared, *, may_be_large: bool) -> Call:
    if not isinstance(item, dict):
        raise _Bad("", "A call is a JSON object")
    if not shared.is_plain:
        try:
            item = storable(item)
        except TooDeep as error:
            raise _Bad("", "A call is nested at most 32 deep") from error
    if may_be_large and _size(item) > EVENT_BYTES:
        raise _Bad("", "A call has at most 32 KB")
    type_ = item.get("type")
    if not isinstance(type_, str) or type_ not in BY_TYPE:
        raise _Bad("/type", "One of " + ", ".join(sorted(BY_TYPE)))

    user_id, anonymous_id, previous_id = _id(item, "userId"), _id(item, "anonymousId"), _id(item, "previousId")
    if type_ == "alias" and not (previous_id and (user_id or anonymous_id)):
        raise _Bad("/previousId", "An alias needs previousId and userId")
    if not (user_id or anonymous_id):
        raise _Bad("/userId", "A call needs a userId or an anonymousId")
    return Call(
        type=type_,
        message_id=_text(item, "messageId", required=False),
        user_id=user_id,
        anonymous_id=anonymous_id,
        previous_id=previous_id if type_ == "alias" else None,
        occurred_at=instants.corrected(
            item.get("originalTimestamp") or item.get("timestamp"),
            sent_at=instants.read(item["sentAt"]) if item.get("sentAt") else shared.sent_at,
            received_at=shared.received_at,
        ),
        content=_content(item, type_, shared.context),
    )


def _content(item: dict[str, Any], type_: str, common: dict[str, Any]) -> dict[str, Any]:
    """What is logged of a call: what its type has, and the context whole (a batch's own under the call's)."""
    content: dict[str, Any] = {"type": type_}
    if type_ == "track":
        content["event"] = _text(item, "event", required=True)
    if type_ in ("page", "screen"):
        content |= {key: _text(item, key, required=False) for key in ("name", "category") if item.get(key) is not None}
    if type_ in ("track", "page", "screen"):
        content["properties"] = _object(item, "properties")
    if type_ in ("identify", "group"):
        content["traits"] = _object(item, "traits")
    if type_ == "group":
        group_id = _id(item, "groupId")
        if group_id is None:
            raise _Bad("/groupId", "A group call needs a groupId")
        content["group_id"] = group_id
    own = _object(item, "context")
    content["context"] = common | own if common else own
    when = item.get("originalTimestamp") or item.get("timestamp")
    if isinstance(when, str):
        content["original_timestamp"] = when[:64]
    return content


def _object(item: dict[str, Any], key: str) -> dict[str, Any]:
    value = item.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Bad(f"/{key}", "A JSON object")
    return value


def _text(item: dict[str, Any], key: str, *, required: bool) -> str | None:
    value = item.get(key)
    if value is None and not required:
        return None
    if not isinstance(value, str) or len(value) > _NAME_CHARACTERS or not (value.strip() or not required):
        raise _Bad(f"/{key}", f"A text of {1 if required else 0} to {_NAME_CHARACTERS} characters")
    return value or None


def _id(item: dict[str, Any], key: str) -> str | None:
    """An id as text; numbers are taken, and an empty one counts as none."""
    value = item.get(key)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > _ID_CHARACTERS:
        raise _Bad(f"/{key}", f"A text or number of at most {_ID_CHARACTERS} characters")
    return value.strip() or None


def _size(value: Any) -> int:
    """Bytes of a value as JSON on the wire."""
    text = _written(value)
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _message_id_of(item: Any) -> str | None:
    value = item.get("messageId") if isinstance(item, dict) else None
    return storable(value)[:_NAME_CHARACTERS] if isinstance(value, str) else None
