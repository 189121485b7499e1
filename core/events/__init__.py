"""The event log: every touchpoint is one row, written in its cause's transaction and read by many readers."""

from core.events.announce import Event, announce, announce_all, every_event
from core.events.log import LoggedEvent
from core.events.readers import Reader

__all__ = ["Event", "LoggedEvent", "Reader", "announce", "announce_all", "every_event"]
