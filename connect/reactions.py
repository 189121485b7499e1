"""What the door does when others announce."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from connect import identities
from core.events import LoggedEvent, Reader


def forget_undone_mappings(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Staff undid what another system's id was taken for: what it reports from now on is nobody's, until it is mapped
    anew."""
    for event in events:
        if event.customer_id and event.subject_id and event.payload["reason"].startswith("staff:"):
            identities.unmap(session, subject_id=event.subject_id, customer_id=event.customer_id)


READERS = [Reader("connect.undone_mappings", forget_undone_mappings, frozenset({"identity.undone"}))]
