"""Pages of lists: one row more than a page is read, so that it tells whether there is a next one."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from core.web.schemas import decode_cursor, encode_cursor

Row = TypeVar("Row")
Place = TypeVar("Place")


def before(cursor: str | None) -> UUID | None:
    """The id that the last page ended with; None for the first page.

    raises  CursorInvalid for a cursor that we did not make
    """
    return place(cursor, UUID)


def place(cursor: str | None, parse: Callable[[str], Place]) -> Place | None:
    """`before` where the list runs by something else than ids."""
    position = decode_cursor(cursor, parse)
    return position[0] if position else None


def page(
    found: Sequence[Row],
    limit: int,
    show: Callable[[Row], Any] = lambda row: row,
    *,
    at: Callable[[Row], object] = lambda row: row.id,  # type: ignore[attr-defined]
) -> dict[str, Any]:
    """One page of at most `limit` of what was found; one more than that says that there is a next page.

    at  where a row stands in the list: what the next page begins after
    """
    shown = found[:limit]
    return {
        "items": [show(row) for row in shown],
        "next_cursor": encode_cursor(at(shown[-1])) if len(found) > limit else None,
    }
