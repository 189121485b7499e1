"""Hints at what was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


def meant(given: Any, choices: Iterable[str]) -> str:
    """A hint at the choice that is closest to what was given; empty where none is close."""
    if not isinstance(given, str) or len(given) > 100:
        return ""
    close = get_close_matches(given.lower(), list(choices), n=1, cutoff=0.6)
    return f" Did you mean “{close[0]}”?" if close else ""
