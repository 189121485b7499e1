"""Conditions of one `all` that can never be met together."""

from typing import Any


def contradiction(raw: list[Any]) -> str | None:
    return None
