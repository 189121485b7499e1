"""Streams: what each customer did of one kind, counted by the brand's days as the log is read.

Every event that a customer causes is counted under its name. A stream with a condition, or with a field that is summed,
is made when somebody first asks about it, and filled from the log.
"""

from insights.streams.stream import Stream

__all__ = ["Stream"]
