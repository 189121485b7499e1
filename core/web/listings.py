"""Pages of lists that run from the latest id down."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from core.web import pages


def page(args: dict[str, Any], read: Callable[[UUID | None, int], Sequence[Any]]) -> dict[str, Any]:
    """One page of what `read(before, limit)` gives."""
    found = read(pages.before(args["cursor"]), args["limit"] + 1)
    return pages.page(found, args["limit"])
