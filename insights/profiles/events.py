"""What becomes of profiles: traits, as others set them and as they then stand, and what visitors add."""

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
class ProfileSeen(Event):
    """What a linked visitor did without being signed in stands in the customer's profile now.

    It was read with the visitor's slot of the log; by this event those who follow the customer's own hear of it.
    """

    name = "profile.seen"
    log_only = True


@dataclass(frozen=True, kw_only=True)
class TraitChanged(Event):
    """A trait's latest value is another one now."""

    name = "trait.changed"
    log_only = True

    trait: str
    value: Any
    source: str
