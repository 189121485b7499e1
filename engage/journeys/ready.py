"""Ready-made journeys, one or more for each stage of a customer's life: drafts that staff fill in and publish."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engage.journeys.errors import JourneyInvalid
from engage.steps.hints import unknown

_FOLDER = Path(__file__).parent / "ready_made"
_ORDER = (
    "welcome",
    "first_purchase",
    "abandoned_basket",
    "cross_sell",
    "lapsing_voucher",
    "win_back",
    "birthday",
)


@dataclass(frozen=True, slots=True)
class Ready:
    """needs: what must be filled in, each {"name", "what"} and, of a segment, the condition that is "suggested"."""

    key: str
    name: str
    stage: str
    description: str
    needs: list[dict[str, Any]]
    graph: dict[str, Any]


@cache
def every() -> tuple[Ready, ...]:
    """All of them, in the order of a customer's life."""
    return tuple(Ready(key=key, **json.loads((_FOLDER / f"{key}.json").read_text("utf-8"))) for key in _ORDER)


def find(key: str) -> Ready:
    """raises  JourneyInvalid"""
    found = next((ready for ready in every() if ready.key == key), None)
    if found is None:
        raise JourneyInvalid(errors=[{"pointer": "/ready", "detail": unknown(key, _ORDER, "ready-made journey")}])
    return found


def filled(ready: Ready, values: Mapping[str, str]) -> dict[str, Any]:
    """Its graph with what staff chose.

    raises  JourneyInvalid for what is missing or not asked for
    """
    asked = {need["name"]: need["what"] for need in ready.needs}
    errors = [
        {"pointer": f"/values/{name}", "detail": f"Is missing: {what}"}
        for name, what in asked.items()
        if name not in values
    ]
    errors += [
        {"pointer": f"/values/{name}", "detail": unknown(name, asked.keys(), "value to fill in")}
        for name in values
        if name not in asked
    ]
    if errors:
        raise JourneyInvalid(errors=errors)
    made = _filled(ready.graph, {f"<{name}>": value for name, value in values.items()})
    return dict(made)


def _filled(part: Any, values: Mapping[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: _filled(inner, values) for name, inner in part.items()}
    if isinstance(part, list):
        return [_filled(inner, values) for inner in part]
    return values.get(part, part) if isinstance(part, str) else part
