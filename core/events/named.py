"""The events that a journey may name: ours by their declared fields, others (from outside) as they come."""

import re
from typing import Any

from core.conditions import Predicate, compile_condition
from core.events import every_event
from core.notes import Notes

VOUCHER_REDEEMED = "voucher.redeemed"

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")


def parse_event(raw: Any, notes: Notes) -> str:
    """The name of an event."""
    if isinstance(raw, str) and len(raw) <= 100 and _NAME.match(raw):
        return raw
    notes.say("Must be the name of an event, such as “order.completed”.")
    return ""


def parse_where(raw: Any, notes: Notes, *, event: str | None) -> Predicate:
    """The condition on an event's payload; without one every such event counts."""
    if raw is None:
        return _always
    return compile_condition(raw, notes, fields=fields_of(event))


def fields_of(event: str | None) -> frozenset[str] | None:
    """The payload fields of an event; None where it may have any, as one from outside."""
    return next((kind.payload_fields() for kind in every_event() if kind.name == event), None)


def _always(_: Any) -> bool:
    return True
