"""A profile told again from the log is what the reader would have told, whatever happens meanwhile."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from core import db
from core.events import LoggedEvent, readers
from core.events.offsets import Position
from insights.profiles import rebuilding, rebuilds
from insights.reactions import READERS
from tests.insights.log import NOON, a_customer, campaign, identify, order, play, profile, refund, track, write

pytestmark = pytest.mark.usefixtures("database")


def ask(customer_id: UUID) -> None:
    with db.transaction() as session:
        rebuilds.ask(session, customer_id, now=NOON)


def states() -> list[tuple[str, int]]:
    with db.transaction() as session:
        return db.connection_of(session).execute("SELECT state, attempts FROM insights.rebuild").fetchall()


def a_life(customer_id: UUID) -> None:
    play(
        *[order(customer_id, total_minor=100 * n, minutes=n) for n in range(1, 6)],
        order(customer_id, total_minor=50, currency="GBP", minutes=7),
        refund(customer_id, amount_minor=30, minutes=8),
        track(customer_id, event="Product Viewed", context=campaign("billboard"), minutes=9),
        track(subject_id="anonymous:1", context=campaign("newsletter"), minutes=-5),
        identify(customer_id, subject_id="anonymous:1", traits={"plan": "gold"}, minutes=10),
    )


@pytest.mark.parametrize("page", [1, 2, 3, 2_000])
def test_told_again_it_is_the_same(page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    customer_id, other = a_customer(), a_customer("+12125550143")
    a_life(customer_id)
    play(order(other))
    before = profile(customer_id), profile(other)
    monkeypatch.setattr(rebuilding, "_PAGE", page)

    ask(customer_id)
    assert rebuilding.rebuild_due(NOON) == 1

    assert (profile(customer_id), profile(other)) == before
    assert (states(), rebuilding.rebuild_due(NOON)) == ([], 0)


Past = Callable[..., Iterator[list[LoggedEvent]]]


def during(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], None]) -> None:
    """Let something happen once, between the look at the past and the lock."""
    past: Past = rebuilding._past
    left = [deed]

    def and_then(customer_id: UUID, *, until: Position) -> Iterator[list[LoggedEvent]]:
        yield from past(customer_id, until=until)
        if left:
            left.pop()()

    monkeypatch.setattr(rebuilding, "_past", and_then)


def test_what_the_reader_takes_meanwhile_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    customer_id = a_customer()
    a_life(customer_id)
    during(
        monkeypatch, lambda: play(order(customer_id, total_minor=1, minutes=20), refund(customer_id, amount_minor=1))
    )

    ask(customer_id)
    rebuilding.rebuild_due(NOON)

    found = profile(customer_id)
    assert found.orders == 7
    assert [(one.currency, one.ordered_minor, one.refunded_minor) for one in found.revenue] == [
        ("GBP", 50, 0),
        ("USD", 1_501, 31),
    ]


def test_what_the_reader_has_not_come_to_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    customer_id = a_customer()
    a_life(customer_id)
    during(monkeypatch, lambda: write(order(customer_id, minutes=20)))

    ask(customer_id)
    rebuilding.rebuild_due(NOON)
    assert profile(customer_id).orders == 6
    play()

    assert profile(customer_id).orders == 7


def test_a_customer_without_events_has_no_profile_before_and_after() -> None:
    readers.register(READERS)
    customer_id = a_customer()

    ask(customer_id)
    rebuilding.rebuild_due(NOON)

    assert (profile(customer_id).phase, profile(customer_id).orders) == ("discovery", 0)


def test_what_a_worker_died_with_is_done_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    customer_id = a_customer()
    a_life(customer_id)
    ask(customer_id)

    def die() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        during(patch, die)
        with pytest.raises(KeyboardInterrupt):
            rebuilding.rebuild_due(NOON)
    assert rebuilding.rebuild_due(NOON + timedelta(minutes=4)) == 0  # its lease holds
    assert states() == [("running", 1)]

    assert rebuilding.rebuild_due(NOON + timedelta(minutes=6)) == 1
    assert states() == []


def test_one_that_keeps_failing_is_put_off_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    customer_id = a_customer()
    a_life(customer_id)
    before = profile(customer_id)
    ask(customer_id)

    def fail(*_: object, **__: object) -> None:
        raise ValueError("what a row can do to it")

    monkeypatch.setattr(rebuilding, "_replace", fail)
    for turn in range(30):
        rebuilding.rebuild_due(NOON + timedelta(minutes=2 * turn))

    assert states() == [("failed", 20)]
    assert profile(customer_id) == before


def test_one_that_waits_for_parked_events_is_never_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator may come the next day; till then what was undone would count as the customer's for ever."""
    customer_id = a_customer()
    a_life(customer_id)
    ask(customer_id)

    with monkeypatch.context() as patch:
        patch.setattr(rebuilding, "_is_parked", lambda *_: True)
        for turn in range(30):
            rebuilding.rebuild_due(NOON + timedelta(minutes=2 * turn))
    assert states() == [("waiting", 30)]

    rebuilding.rebuild_due(NOON + timedelta(hours=12))
    assert states() == []
