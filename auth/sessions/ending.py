"""Ending sessions, and whom that concerns."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

#: Told of a session that ends, in its transaction; wiring says who (sessions may not know who hangs notices on them).
Ending = Callable[[Session, UUID, datetime], None]
_endings: Sequence[Ending] = ()


def register(endings: Sequence[Ending]) -> None:
    global _endings
    _endings = endings
