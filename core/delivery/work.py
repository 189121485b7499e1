"""Sending what is due: claim and commit; mark as sending and commit; call; record and commit.

No transaction is open while a provider is called. A message is given to its provider again only when the provider
surely did not take it: every other ending is recorded, or in doubt.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from core import clock, crypto, work
from core.db import transaction
from core.delivery import channels, messages, progress
from core.delivery.models import PURPOSES, Message
from core.errors import Busy, DatabaseUnavailable
from core.gateways.outcomes import Accepted, AddressDead, Outcome, Refused, Retry, Unknown
from core.gateways.registry import Gateways

# Three times the 20 s that a call may take (core.gateways.http), begun anew for each message right before its call.
LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 8
BATCH = 32
# Providers answer in tens of milliseconds, nearly all of it waiting. Each needs a database connection at times.
AT_ONCE = 4
# Each waits two seconds for a lock or five for a connection, so together they fit into a lease.
RECORDINGS = 3

_log = logging.getLogger(__name__)


def send_due(gateways: Gateways, now: datetime) -> int:
    """Send one batch of what is due; returns how many messages were taken up.

    effects  announces what became of each; after a crash `recover_lost` deals with what this process held
    """
    token, message_ids = _claim(now)
    if message_ids:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delivery") as pool:
            list(pool.map(partial(_send, gateways, token), message_ids))
    return len(message_ids)


def recover_lost(now: datetime) -> int:
    """Deal with messages whose worker died: again where no call was made yet, in doubt where one may have been."""
    with transaction() as session:
        unsent = work.lost_leases(session, Message, leased="claimed", limit=BATCH, now=now)
        for message in unsent:
            message.state, message.attempts = "pending", message.attempts - 1
            message.lease_token = message.lease_until = None

        doubtful = work.lost_leases(session, Message, leased="sending", limit=BATCH, now=now)
        for message in doubtful:
            progress.mark_in_doubt(session, message, reason="lease_lost", now=now)
        return len(unsent) + len(doubtful)


def _claim(now: datetime) -> tuple[UUID, list[UUID]]:
    """The next batch: a sign-in code or a receipt never waits behind a campaign."""
    with transaction() as session:
        for purpose in PURPOSES:
            token, claimed = work.claim(
                session,
                Message,
                waiting="pending",
                leased="claimed",
                limit=BATCH,
                lease=LEASE,
                now=now,
                only=[Message.purpose == purpose],
            )
            if claimed:
                break
        crypto.fetch_data_keys(session, [message.customer_id for message in claimed])
        return token, [message.id for message in claimed]


def _send(gateways: Gateways, token: UUID, message_id: UUID) -> None:
    call = _begin(gateways, token, message_id, now=clock.now())
    if call is not None:
        outcome = _make(call, message_id)
        _keep(partial(_record, token, message_id, outcome, now=clock.now()))


def _begin(gateways: Gateways, token: UUID, message_id: UUID, *, now: datetime) -> Callable[[], Outcome] | None:
    """Commit that the call is about to be made; None when the lease was lost or there is nothing to send."""
    with transaction() as session:
        message = progress.lock(session, message_id)
        if message is None or message.state != "claimed" or message.lease_token != token:
            return None
        if message.lease_until is None or message.lease_until <= now:
            return None

        if message.expires_at is not None and message.expires_at <= now:
            progress.mark_failed(session, message, reason="expired", now=now)
            return None

        try:
            recipient, content = messages.open_sealed(session, message)
            call = channels.call(
                gateways, channel=message.channel, message_id=message_id, recipient=recipient, content=content
            )
        except crypto.Erased:
            message.state, message.last_error = "suppressed", "erased"
            message.lease_token = message.lease_until = None
            return None
        except (KeyError, TypeError, ValueError):
            progress.mark_failed(session, message, reason="malformed", now=now)
            return None

        message.state, message.lease_until = "sending", now + LEASE
        message.provider = channels.provider_of(gateways, message.channel)
        return call


def _make(call: Callable[[], Outcome], message_id: UUID) -> Outcome:
    try:
        return call()
    except Exception as error:  # a gateway promises not to raise; should it, nobody can tell what the provider did
        _log.exception("a gateway raised while sending message %s", message_id)
        return Unknown(reason=type(error).__name__)


def _keep(record: Callable[[], None]) -> None:
    """Record the outcome, trying again where the database is busy: unrecorded, the message would be in doubt."""
    for _ in range(RECORDINGS - 1):
        try:
            return record()
        except (Busy, DatabaseUnavailable):
            continue
    return record()


def _record(token: UUID, message_id: UUID, outcome: Outcome, *, now: datetime) -> None:
    """What the provider surely did is a fact, also when the lease was lost meanwhile; the rest needs the lease."""
    with transaction() as session:
        message = progress.lock(session, message_id)
        if message is None:
            return
        is_ours = message.lease_token == token

        match outcome:
            case Accepted(provider_message_id):
                progress.mark_sent(session, message, provider_message_id=provider_message_id, now=now)
            case AddressDead(code):
                progress.mark_failed(session, message, reason=code, is_address_dead=True, now=now)
            case Refused(code, permanent=True):
                progress.mark_failed(session, message, reason=code, now=now)
            case Unknown(reason) if is_ours:
                progress.mark_in_doubt(session, message, reason=reason, now=now)
            case Retry(code) | Refused(code) if is_ours and message.attempts >= MAX_ATTEMPTS:
                progress.mark_failed(session, message, reason=f"gave_up: {code}", now=now)
            case Retry(code, after_seconds) if is_ours:
                _try_later(message, code, wait_seconds=after_seconds or back_off_seconds(message.attempts), now=now)
            case Refused(code) if is_ours:
                _try_later(message, code, wait_seconds=back_off_seconds(message.attempts), now=now)


def back_off_seconds(attempts: int) -> float:
    """How long to wait after so many attempts: 15 s, doubled each time, an hour at most; eight take half an hour."""
    return float(min(15 * 2 ** (attempts - 1), 3600))


def _try_later(message: Message, code: str, *, wait_seconds: float, now: datetime) -> None:
    message.state, message.last_error = "pending", code
    message.lease_token = message.lease_until = None
    # A provider may name any time; past a day it would be a fault of its clock or ours.
    message.due_at = now + timedelta(seconds=min(wait_seconds, 86_400))
