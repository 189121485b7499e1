"""PostgreSQL's array literals, written quickly."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any


def array_literal(values: Sequence[Any]) -> str:
    """`{a,b,NULL}` of numbers, ids, instants, texts and bytes, for a parameter that is cast to its array type."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bytes):
        return '"\\\\x' + value.hex() + '"'
    return value.isoformat() if isinstance(value, datetime) else str(value)
