"""Holds: value that is promised stays where it is, but cannot be spent otherwise until the hold ends.

A hold is a transfer of kind "hold" without entries, so it is placed once under its key and a refusal of it is frozen
as any other's. It ends by a last capture, by being voided, or by its time: what was not captured is free again.
"""

from wallet.holds.capturing import Capturing, capture
from wallet.holds.ending import endings, expire_due, void
from wallet.holds.models import RESERVATION, Hold
from wallet.holds.parts import find, locked
from wallet.holds.placing import Placing, place

__all__ = [
    "RESERVATION",
    "Capturing",
    "Hold",
    "Placing",
    "capture",
    "endings",
    "expire_due",
    "find",
    "locked",
    "place",
    "void",
]
