"""Workers killed with kill -9 while they send: nothing goes out twice, nothing is lost from sight."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select

from core import clock
from core.db import transaction
from core.delivery import sending, work
from core.delivery.models import Message
from core.gateways import registry
from core.settings import Settings
from tests.core.delivery.outbox import Outbox
from tests.standins.server import Answer
from tests.standins.twilio import Twilio

MESSAGES = 320
KILLS = 8
SEED = 20261121
# A group that is called, and the one before that is being recorded.
MOST_IN_DOUBT = 2 * sending.AT_ONCE


class Deadly(Twilio):
    """Kills the process `victim` at the arrivals that it is told: after taking the message, before answering."""

    def __init__(self, *, kill_at: list[int]) -> None:
        super().__init__()
        self.kill_at = kill_at
        self.victim: int | None = None
        self._killing = threading.Lock()

    def meet(self, path: str, body: bytes) -> Answer | None:
        answer = super().meet(path, body)
        with self._killing:
            if self.victim is not None and self.kill_at and len(self.asked) >= self.kill_at[0]:
                self.kill_at.pop(0)
                os.kill(self.victim, signal.SIGKILL)
                self.victim = None
        return answer


@pytest.mark.usefixtures("database")
def test_killed_workers_leave_each_message_sent_once_or_in_doubt(settings: Settings) -> None:
    kills = sorted(random.Random(SEED).sample(range(2, MESSAGES - KILLS * MOST_IN_DOUBT), KILLS))
    with Deadly(kill_at=list(kills)) as twilio, _workers(twilio, settings) as run_worker:
        outbox = Outbox(twilio, registry.build(settings), settings)
        expected = {outbox.enqueue() for _ in range(MESSAGES)}

        ends = []
        for _ in [*kills, "the last goes undisturbed"]:
            ends.append(run_worker())
            _recover_as_if_a_lease_later()

    assert ends == [-signal.SIGKILL] * KILLS + [0]
    assert set(twilio.posts().values()) == {1}
    with transaction() as session:
        states = {message.id: message.state for message in session.scalars(select(Message))}
    assert set(states) == expected
    assert set(states.values()) == {"sent", "in_doubt"}
    # At least the message that arrived at each kill, at most all that the worker had in its calls.
    assert KILLS <= list(states.values()).count("in_doubt") <= KILLS * MOST_IN_DOUBT


@contextmanager
def _workers(twilio: Deadly, settings: Settings) -> Iterator[Callable[[], int]]:
    command = [sys.executable, "-m", "tests.core.delivery.worker_process", settings.database_url, twilio.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        assert nursery.stdin
        assert nursery.stdout
        asked, told = nursery.stdin, nursery.stdout

        def run_worker() -> int:
            asked.write("\n")
            asked.flush()
            twilio.victim = int(told.readline())
            return int(told.readline())

        yield run_worker
        asked.close()


def _recover_as_if_a_lease_later() -> None:
    later = clock.now() + work.LEASE
    while work.recover_lost(later):
        pass
