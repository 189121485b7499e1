"""What auth does when others announce."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth import devices
from core.events import LoggedEvent, Reader


def forget_dead_push_tokens(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """A provider says that a token reaches nobody any more: the app was removed."""
    for event in events:
        if event.payload["channel"] == "push" and event.payload["is_address_dead"] and event.payload["address_id"]:
            dead = [UUID(event.payload["address_id"])]
            devices.drop_tokens_of(session, dead, seen_before=event.occurred_at, now=now)


READERS = [Reader("auth.dead_push_tokens", forget_dead_push_tokens, frozenset({"message.failed"}))]
