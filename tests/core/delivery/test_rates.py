"""Rates: what each provider is given at most, whoever sends."""

import threading
from datetime import timedelta

import pytest

from core import clock
from core.db import transaction
from core.delivery import rates, work
from core.delivery.models import ProviderState
from tests.core.delivery.outbox import Outbox


def test_rates_are_read_by_route() -> None:
    assert rates.parse("twilio=50, fcm=0.5") == {"twilio": 50.0, "fcm": 0.5}
    assert rates.parse("") == {}


@pytest.mark.parametrize(("rate", "most"), [(50.0, 50.0), (0.5, 1.0)])
def test_bucket_holds_a_second_and_at_least_one(rate: float, most: float) -> None:
    assert rates.most_at_once(rate) == most


def test_no_more_leave_than_the_rate_allows(outbox: Outbox) -> None:
    now = clock.now()
    for _ in range(20):
        outbox.enqueue(due_at=now)

    def sent_at(seconds: float) -> int:
        return work.send_due(outbox.gateways, now + timedelta(seconds=seconds), rates={"twilio": 4.0})

    # The bucket is full at first, then fills by four a second and never beyond four.
    assert [sent_at(0), sent_at(0), sent_at(0.5), sent_at(1), sent_at(11), sent_at(11)] == [4, 0, 2, 2, 4, 0]
    assert len(outbox.twilio.asked) == 12


def test_less_than_one_a_second_still_leaves(outbox: Outbox) -> None:
    now = clock.now()
    for _ in range(3):
        outbox.enqueue(due_at=now)
    ticks = [work.send_due(outbox.gateways, now + timedelta(seconds=at), rates={"twilio": 0.5}) for at in range(5)]

    assert ticks == [1, 0, 1, 0, 1]


def test_channel_whose_provider_has_no_rate_is_not_held_back(outbox: Outbox) -> None:
    for _ in range(20):
        outbox.enqueue()

    assert work.send_due(outbox.gateways, clock.now(), rates={"smtp": 1.0}) == 20


def test_sign_in_code_gets_the_only_token(outbox: Outbox) -> None:
    now = clock.now()
    outbox.enqueue(due_at=now - timedelta(hours=1))
    code = outbox.enqueue(due_at=now, purpose="sign_in")

    work.send_due(outbox.gateways, now, rates={"twilio": 1.0})

    assert outbox.message(code).state == "sent"
    assert len(outbox.twilio.asked) == 1


def test_two_workers_together_keep_the_rate(outbox: Outbox) -> None:
    """Their looks interleave as they may: the bucket's row is locked from reading to taking."""
    now = clock.now()
    for _ in range(60):
        outbox.enqueue(due_at=now)
    begin = threading.Barrier(2)
    failed: list[BaseException] = []

    def look_often() -> None:
        try:
            begin.wait()
            for step in range(20):
                work.send_due(outbox.gateways, now + timedelta(milliseconds=100 * step), rates={"twilio": 10.0})
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=look_often) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert failed == []
    # 1.9 seconds at ten a second, and the bucket that was full at first.
    assert len(outbox.twilio.asked) <= 10 + 19
    assert max(outbox.twilio.posts().values()) == 1


def test_clock_that_is_behind_fills_nothing(outbox: Outbox) -> None:
    now = clock.now()
    for _ in range(3):
        outbox.enqueue(due_at=now - timedelta(hours=2))
    work.send_due(outbox.gateways, now, rates={"twilio": 1.0})

    assert work.send_due(outbox.gateways, now - timedelta(hours=1), rates={"twilio": 1.0}) == 0

    with transaction() as session:
        assert session.get_one(ProviderState, "twilio").filled_at == now
