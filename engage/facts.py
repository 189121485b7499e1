"""The events that a journey may name: ours by their declared fields, others (from outside) as they come."""

import re
from dataclasses import fields
from typing import Any

from core.events import Event, every_event
from engage.conditions import Predicate, compile_condition
from engage.notes import Notes

VOUCHER_REDEEMED = "voucher.redeemed"

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")
_ENVELOPE = {spec.name for spec in fields(Event)}


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
    """The payload fields of an event that we declare; None for one from outside."""
    for kind in every_event():
        if kind.name == event:
            return frozenset(spec.name for spec in fields(kind)) - _ENVELOPE
    return None


def _always(_: Any) -> bool:
    return True
