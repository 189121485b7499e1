"""What became of a broadcast as a whole. What became of it for each customer stands in its sends, and in message.*
events with the send's id as their reference."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class BroadcastEvent(Event):
    broadcast_id: UUID
    segment_id: UUID


@dataclass(frozen=True, kw_only=True)
class BroadcastBegun(BroadcastEvent):
    """expected: how many members its segment had"""

    name: ClassVar[str] = "broadcast.started"
    log_only: ClassVar[bool] = True

    expected: int


@dataclass(frozen=True, kw_only=True)
class BroadcastStopped(BroadcastEvent):
    """It stands still until somebody starts it again; reason: a code"""

    name: ClassVar[str] = "broadcast.stopped"
    log_only: ClassVar[bool] = True

    reason: str


@dataclass(frozen=True, kw_only=True)
class BroadcastResumed(BroadcastEvent):
    """It was started again where it had stopped."""

    name: ClassVar[str] = "broadcast.resumed"
    log_only: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class BroadcastDone(BroadcastEvent):
    """Every member was dealt with; counts: by what became of them"""

    name: ClassVar[str] = "broadcast.done"

    counts: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class BroadcastCancelled(BroadcastEvent):
    """No more is prepared, and what has not left is taken back."""

    name: ClassVar[str] = "broadcast.cancelled"
