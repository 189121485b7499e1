"""Reason trees for those whom they are about."""

from typing import Any

#: What a customer is told of by whom the brand chose, and what it calls them.
_CHOSEN = {"customer.audience": "This is for chosen customers.", "customer.segment": "This is for chosen customers."}


def for_owner(told: dict[str, Any]) -> dict[str, Any]:
    """The reason tree of `Rule.explain` as the customer may read it: their own figures, but neither the audiences and
    segments that the brand sees them in, nor the names of its saved rules."""
    if "because" in told:
        return for_owner(told["because"])
    if told.get("fact") in _CHOSEN:
        return {"is_met": told["is_met"], "says": _CHOSEN[told["fact"]]}
    return {name: _part_for_owner(value) for name, value in told.items()}


def _part_for_owner(value: Any) -> Any:
    match value:
        case dict():
            return for_owner(value)
        case [dict(), *_]:
            return [for_owner(each) for each in value]
        case _:
            return value
