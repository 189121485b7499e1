"""Broadcasts: one message, or one voucher with it, to everyone in a segment, each of them once."""

from engage.broadcasts.drafting import change, create, find, list_
from engage.broadcasts.starting import cancel, start

__all__ = ["cancel", "change", "create", "find", "list_", "start"]
