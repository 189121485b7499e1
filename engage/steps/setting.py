"""The setting of a step: what of its journey it must know to be drawn."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """event: what lets customers in; purpose: what messages are for that do not say so themselves"""

    event: str
    purpose: str | None = None
