"""Twenty workers killed with kill -9 while two hundred customers walk a journey.

Each customer ends with one voucher; a message reaches the provider at most once and ends sent or in doubt.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from core import clock, crypto
from core.db import connection_of, transaction
from core.delivery import work
from core.delivery.models import Message
from core.events import readers
from core.settings import Settings
from engage.walks.models import Enrolment
from rewards.models import VoucherRow
from tests.engage.conftest import WEEK, Scene, both_branches, drawn, gift
from tests.standins.twilio import Twilio
from tests.stories.conftest import wait_until
from wallet import balances, checks

CUSTOMERS, KILLS, SEED = 200, 20, 20261121
EACH_ROUND = CUSTOMERS // KILLS
VALUE_MINOR = 1000


@pytest.fixture
def story(database: None, settings: Settings) -> Scene:
    from app import wiring

    crypto.load_keys(settings)
    readers.register(wiring.READERS)
    return Scene(now=clock.now())


def test_killed_workers_give_each_customer_one_voucher_and_one_message(story: Scene, settings: Settings) -> None:
    chance = random.Random(SEED)
    campaign_id = story.gift_card(budget_minor=CUSTOMERS * VALUE_MINOR)
    story.publish(_graph(campaign_id))
    customers = story.customers(CUSTOMERS)

    with Twilio() as twilio, _workers(twilio, settings) as start_worker:
        for turn in range(KILLS):
            arrivals = customers[turn * EACH_ROUND : (turn + 1) * EACH_ROUND]
            victim = start_worker()
            # Each customer's trigger happens twice: the second must change nothing.
            story.happen(*[story.order(customer_id) for customer_id in arrivals * 2])
            point = _seeded_point(chance, twilio, arrivals)
            wait_until(point, within_seconds=60)
            time.sleep(chance.uniform(0, 0.02))  # not waiting for anything: it spreads the kills over a transaction
            os.kill(victim, signal.SIGKILL)
            _recover_as_if_a_lease_later()
        last = start_worker()
        wait_until(_is_settled, within_seconds=120)
        os.kill(last, signal.SIGKILL)
        posts = twilio.posts()

    with transaction() as session:
        held = session.execute(select(VoucherRow.customer_id, func.count()).group_by(VoucherRow.customer_id)).all()
        states = {message.id: message.state for message in session.scalars(select(Message))}
        told = session.execute(select(func.count(func.distinct(Message.customer_id)))).scalar_one()
        left = [each.posted for each in balances.of(session, f"campaign:{campaign_id}")]
        assert checks.first_difference(connection_of(session)) is None
    assert dict(held) == dict.fromkeys(customers, 1)
    assert left == [0]
    assert (len(states), told) == (CUSTOMERS, CUSTOMERS)
    assert set(states.values()) <= {"sent", "in_doubt"}
    assert set(posts.values()) == {1}
    sent = {str(message_id) for message_id, state in states.items() if state == "sent"}
    assert sent <= {str(message_id) for message_id in posts}


def _graph(campaign_id: UUID) -> dict[str, Any]:
    """The journey of the issue, which is entered again only after it has ended; a refund ends it."""
    drawn_before = both_branches(campaign_id)
    steps = {**drawn_before["steps"], "gift": gift(campaign_id, kind="issue_gift_card", next="tell")}
    return drawn(
        "gift",
        steps,
        re_entry="after_exit",
        exit_when=[{"event": "payment.refunded"}],
        goal={"event": "voucher.redeemed", "within_seconds": WEEK},
    )


def _seeded_point(chance: random.Random, twilio: Twilio, arrivals: list[UUID]) -> Callable[[], bool]:
    """When to kill: at once, when the first or the last of the round is in the journey, or between two of its calls."""
    before = len(twilio.asked)
    calls = chance.randint(1, EACH_ROUND - 1)
    return chance.choice(
        [
            lambda: True,
            lambda: _entered(arrivals) >= 1,
            lambda: _entered(arrivals) == EACH_ROUND,
            lambda: len(twilio.asked) >= before + calls,
        ]
    )


def _entered(customers: list[UUID]) -> int:
    with transaction() as session:
        query = select(func.count()).select_from(Enrolment).where(Enrolment.customer_id.in_(customers))
        return session.execute(query).scalar_one()


def _is_settled() -> bool:
    """Everything is read, every customer waits in the journey, and no message waits or hangs in a call."""
    with transaction() as session:
        unread = sum(behind for _, behind in readers.lag(connection_of(session)))
        entered = session.execute(select(func.count()).select_from(Enrolment)).scalar_one()
        open_ = session.execute(
            text("SELECT count(*) FROM core.message WHERE state NOT IN ('sent', 'in_doubt')")
        ).scalar_one()
    return unread == 0 and entered == CUSTOMERS and open_ == 0


def _recover_as_if_a_lease_later() -> None:
    later = clock.now() + work.LEASE
    while work.recover_lost(later):
        pass


@contextmanager
def _workers(twilio: Twilio, settings: Settings) -> Iterator[Callable[[], int]]:
    command = [sys.executable, "-m", "tests.stories.worker_nursery", settings.database_url, twilio.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nursery:
        assert nursery.stdin
        assert nursery.stdout
        asked, told = nursery.stdin, nursery.stdout

        def start_worker() -> int:
            asked.write("\n")
            asked.flush()
            return int(told.readline())

        yield start_worker
        asked.close()
