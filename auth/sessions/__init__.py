"""Sessions: what one sign-in began, and everything that hangs from it."""

from auth.sessions.beginning import Begun, Live, begin, by_handle, by_id, touch
from auth.sessions.ending import end, end_all

__all__ = ["Begun", "Live", "begin", "by_handle", "by_id", "end", "end_all", "touch"]
