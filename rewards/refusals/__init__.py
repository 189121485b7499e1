"""Refusals: why a voucher was not taken, kept for its holder and for staff."""

from rewards.refusals.keeping import keep_all, note, note_shown

__all__ = ["keep_all", "note", "note_shown"]
