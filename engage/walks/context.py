"""The context of a walk: what templates, branches and waits may say of the event that brought the customer in."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.events import LoggedEvent

#: A row of an enrolment stays small: what of an event's payload is longer is left out, the longest member first.
MOST_BYTES = 4_096


def of(event: LoggedEvent, *, at: datetime) -> dict[str, Any]:
    """{"event", "id", "at", "payload"}; the log holds no personal data in the clear, so neither does this.

    at  when it happened
    """
    return {
        "event": event.name,
        "id": str(event.id),
        "at": at.isoformat(),
        "payload": _shortened(event.payload),
    }


def began_at(context: Mapping[str, Any]) -> datetime | None:
    """When the event happened; None for walks of before contexts were kept."""
    at = context.get("at")
    return datetime.fromisoformat(at) if isinstance(at, str) else None


def _shortened(payload: Mapping[str, Any]) -> dict[str, Any]:
    if len(json.dumps(payload)) <= MOST_BYTES:
        return dict(payload)
    kept: dict[str, Any] = {}
    left = MOST_BYTES
    for size, name in sorted((len(json.dumps({name: value})), name) for name, value in payload.items()):
        if size > left:
            break
        kept[name] = payload[name]
        left -= size
    return kept
