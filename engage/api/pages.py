"""Pages of lists that run from the latest id down."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from core.errors import InvalidInput
from core.web.schemas import decode_cursor, encode_cursor


def page(args: dict[str, Any], read: Callable[[UUID | None, int], Sequence[Any]]) -> dict[str, Any]:
    """One page of what `read(before, limit)` gives."""
    found = read(_before(args["cursor"]), args["limit"] + 1)
    items = found[: args["limit"]]
    return {"items": items, "next_cursor": encode_cursor(items[-1].id) if len(found) > len(items) else None}


def _before(cursor: str | None) -> UUID | None:
    position = decode_cursor(cursor, 1)
    try:
        return UUID(position[0]) if position else None
    except ValueError as error:
        raise InvalidInput(
            errors=[{"pointer": "/cursor", "detail": "Pass on a next_cursor as it was given."}]
        ) from error
