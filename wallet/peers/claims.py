"""Claims: who has the link, or the number, takes the money that waits for them."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import limits as attempts
from auth.limits import Limit
from core.db import transaction
from core.errors import NotFound, Refusal
from wallet.peers import giving, links
from wallet.peers.errors import LinkUnknown, TooManyLinks
from wallet.peers.giving import RETRY_AFTER
from wallet.peers.models import PENDING, Sending

#: Links of one customer, whether they lead anywhere or not. Guessing is hopeless anyway, and shall not cost us much.
_AN_HOUR = Limit("peers.links", 30, timedelta(hours=1))

BATCH = 50


def count_link(customer_id: UUID, *, now: datetime) -> None:
    """Count a link that is tried, in a transaction of its own, so that it counts whatever comes of it.

    raises  TooManyLinks
    """
    with transaction() as session:
        wait = attempts.take(session, [(_AN_HOUR, str(customer_id))], now=now)
    if wait is not None:
        refusal = TooManyLinks()
        refusal.retry_after_seconds = wait
        raise refusal


def by_code(session: Session, *, code: str, receiver_id: UUID, now: datetime) -> Sending:
    """Take what waits behind a link. Of any number who try at once, one gets it.

    raises  LinkUnknown; as `giving.claim`
    """
    sending = giving.locked(session, Sending.code == links.kept(code))
    if sending is None:
        raise LinkUnknown
    return giving.claim(session, sending, receiver_id, now=now)


def by_receiver(session: Session, *, sending_id: UUID, receiver_id: UUID, now: datetime) -> Sending:
    """Take what was sent to the customer's number and could not be given: there is room for it now.

    raises  NotFound, also for another's; as `giving.claim`
    """
    sending = giving.locked(session, Sending.id == sending_id)
    if sending is None or sending.receiver_id != receiver_id:
        raise NotFound
    return giving.claim(session, sending, receiver_id, now=now)


def give_due(now: datetime) -> int:
    """Give what waits for receivers who are known by now, each in a transaction of its own; how many were tried.

    What still cannot be given is tried again in an hour, until the sending's time has passed.
    """
    for tried in range(BATCH):
        with transaction() as session:
            if not _give_next(session, now=now):
                return tried
    return BATCH


def _give_next(session: Session, *, now: datetime) -> bool:
    sending = giving.locked(session, (Sending.state == PENDING) & (Sending.due_at <= now), skips=True)
    if sending is None or sending.receiver_id is None:
        return False
    sending.due_at = now + RETRY_AFTER
    session.flush()
    try:
        with session.begin_nested():
            giving.claim(session, sending, sending.receiver_id, now=now)
    except Refusal as refusal:
        if refusal.retryable:
            raise
    return True
