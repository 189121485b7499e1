"""Links as rows: written with the messages that hold them, a statement for any number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from engage.links import codes

#: How long a link leads anywhere after it was sent.
GOOD_FOR = timedelta(days=180)

#: Positions within a letter: a wording's own links come first, in their order.
VOUCHER_AT, PREFERENCES_AT, UNSUBSCRIBE_AT, OPEN_AT = 1000, 1001, 1002, 1003


@dataclass(frozen=True, slots=True)
class NewLink:
    """kind, target: as `engage.links.models.TrackedLink` tells them."""

    customer_id: UUID
    reference: UUID
    position: int
    kind: str
    target: str | None

    @property
    def code(self) -> str:
        return codes.of(self.reference, self.position)


def put_all(session: Session, new: Sequence[tuple[NewLink, UUID | None]], *, now: datetime) -> None:
    """Keep the links of many letters, each with its message's id."""
    if not new:
        return
    links = [link for link, _ in new]
    connection_of(session).execute(
        _PUT,
        [
            now + GOOD_FOR,
            [link.code for link in links],
            [link.customer_id for link in links],
            [link.reference for link in links],
            [message_id for _, message_id in new],
            [link.position for link in links],
            [link.kind for link in links],
            [link.target for link in links],
        ],
    )


_PUT = """
    INSERT INTO engage.tracked_link
           (expires_at, code, customer_id, reference, message_id, position, kind, target)
    SELECT %s, code, customer_id, reference, message_id, position, kind, target
      FROM unnest(%s::text[], %s::uuid[], %s::uuid[], %s::uuid[], %s::smallint[], %s::text[], %s::text[])
           AS new (code, customer_id, reference, message_id, position, kind, target)
"""


def forget_expired(session: Session, *, most: int, now: datetime) -> int:
    """Drop up to `most` links that lead nowhere any more; returns how many."""
    return connection_of(session).execute(_FORGET, [now, most]).rowcount


_FORGET = """
    DELETE FROM engage.tracked_link WHERE code IN (
        SELECT code FROM engage.tracked_link WHERE expires_at <= %s ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
