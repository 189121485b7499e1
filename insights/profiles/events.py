"""Traits, as others set them and as they then stand."""

from dataclasses import dataclass
from typing import Any

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class TraitSet(Event):
    """Somebody in the house gives a customer's trait a value, which is not personal (`core.personal`); None: none.

    Only the reader of profiles writes traits: this one takes its place among those from outside by its time.
    """

    name = "trait.set"
    log_only = True

    trait: str
    value: Any
    by: str = "journey"


@dataclass(frozen=True, kw_only=True)
class TraitChanged(Event):
    """A trait's latest value is another one now."""

    name = "trait.changed"
    log_only = True

    trait: str
    value: Any
    source: str
