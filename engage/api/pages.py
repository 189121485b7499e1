"""Pages of lists that run from the latest id down."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from core.web.schemas import decode_cursor, encode_cursor


def page(args: dict[str, Any], read: Callable[[UUID | None, int], Sequence[Any]]) -> dict[str, Any]:
    """One page of what `read(before, limit)` gives."""
    position = decode_cursor(args["cursor"], UUID)
    found = read(position[0] if position else None, args["limit"] + 1)
    items = found[: args["limit"]]
    return {"items": items, "next_cursor": encode_cursor(items[-1].id) if len(found) > len(items) else None}
