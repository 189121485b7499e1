"""Delivery's due work: a line a channel, those who died, and messages in doubt."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from core import work
from core.db import transaction
from core.delivery import progress, reconciling, sending
from core.delivery.gates import Gate, open_gate
from core.delivery.held import Line
from core.delivery.messages import CODES
from core.delivery.models import CHANNELS, Message
from core.delivery.taking import BATCH, LEASE
from core.gateways.registry import Gateways
from core.work import Work

__all__ = ["LEASE", "lines", "recover_lost", "send_due"]


def lines(gateways: Gateways, gate: Gate, *, rates: Mapping[str, float] | None = None) -> list[Work]:
    """What a worker does of delivery. A line a channel: a mail server that hangs holds up no push. And one for codes
    alone: a campaign whose provider hangs holds up nobody who wants to sign in."""
    of_channel = [Line(channel=channel, gateways=gateways, gate=gate, rates=rates or {}) for channel in CHANNELS]
    sends = [
        Work(
            f"delivery.{line.channel}",
            partial(_send, line, _threads(line.channel)),
            after_lost_lease="in doubt",
            full=BATCH,
        )
        for line in of_channel
    ]
    return [
        *sends,
        Work(CODES, partial(_send_codes, of_channel, _threads("codes")), after_lost_lease="in doubt"),
        Work("delivery.recover", recover_lost),
        reconciling.work(gateways),
    ]


def send_due(
    gateways: Gateways, now: datetime, *, gate: Gate = open_gate, rates: Mapping[str, float] | None = None
) -> int:
    """Send one batch of each channel; returns how many messages were taken up. For tests and commands."""
    sent = 0
    for channel in CHANNELS:
        line = Line(channel=channel, gateways=gateways, gate=gate, rates=rates or {})
        with _threads(channel) as threads:
            sent += sending.send_some(line, threads, now=now)
    return sent


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


def _send(line: Line, threads: ThreadPoolExecutor, now: datetime) -> int:
    return sending.send_some(line, threads, now=now)


def _send_codes(of_channel: Sequence[Line], threads: ThreadPoolExecutor, now: datetime) -> int:
    return sum(sending.send_some(line, threads, purposes={"sign_in"}, now=now) for line in of_channel)


def _threads(channel: str) -> ThreadPoolExecutor:
    """They begin as they are needed, and then stay."""
    return ThreadPoolExecutor(sending.AT_ONCE, thread_name_prefix=f"delivery.{channel}")
