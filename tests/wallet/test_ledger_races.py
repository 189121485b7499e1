"""Many at once on the real database: one winner a key, no deadlock, nothing lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from psycopg import Connection

from core import db
from core.errors import Busy
from tests.wallet.conftest import balance, count, open_cash, open_payable, post, transfer
from wallet import ledger
from wallet.errors import InsufficientFunds
from wallet.ledger import Leg

THREADS = 8


def at_once(work: Callable[[int, Connection], object], threads: int = THREADS) -> list[object]:
    """Run `work(n, connection)` in so many threads that start together; what each returned, in order."""
    barrier = Barrier(threads)

    def run(number: int) -> object:
        with db.statement() as connection:
            barrier.wait()
            return work(number, connection)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def test_same_key_eight_ways_posts_once(connection: Connection) -> None:
    cash, payable = open_cash(connection, 100), open_payable(connection)

    posted = at_once(lambda _, own: post(own, (cash, -10), (payable, 10), key="k"))

    assert balance(connection, cash) == 90
    assert len({each.transfer_id for each in posted}) == 1  # type: ignore[attr-defined]
    assert sorted(each.replayed for each in posted) == [False] + [True] * (THREADS - 1)  # type: ignore[attr-defined]


def test_opposite_transfers_do_not_deadlock_and_conserve(connection: Connection) -> None:
    one, other = open_cash(connection, 10_000), open_cash(connection, 10_000)

    def swing(number: int, own: Connection) -> None:
        giver, taker = (one, other) if number % 2 else (other, one)
        for _ in range(25):
            post(own, (giver, -3), (taker, 3))

    at_once(swing)

    assert (balance(connection, one), balance(connection, other)) == (10_000, 10_000)
    assert count(connection, "wallet.transfer") == 2 + THREADS * 25


def test_opposite_batches_do_not_deadlock(connection: Connection) -> None:
    payable = open_payable(connection)
    cash = [open_cash(connection, 1000) for _ in range(20)]

    def batch(number: int, own: Connection) -> None:
        order = cash if number % 2 else cash[::-1]
        for _ in range(5):
            ledger.post_all(own, [transfer([Leg(one, -1), Leg(payable, 1)]) for one in order])

    at_once(batch)

    assert balance(connection, payable) == 20 * 5 * THREADS
    assert {balance(connection, one) for one in cash} == {1000 - 5 * THREADS}


def test_floor_holds_when_all_spend_at_once(connection: Connection) -> None:
    cash, payable = open_cash(connection, 50), open_payable(connection)

    def spend(_: int, own: Connection) -> bool:
        try:
            post(own, (cash, -10), (payable, 10))
        except InsufficientFunds:
            return False
        return True

    assert sorted(at_once(spend)) == [False] * 3 + [True] * 5  # type: ignore[type-var]
    assert (balance(connection, cash), balance(connection, payable)) == (0, 50)


def test_twin_of_a_slow_one_is_told_to_come_back(connection: Connection) -> None:
    cash, payable = open_cash(connection, 100), open_payable(connection)
    with db.transaction() as session:
        post(db.connection_of(session), (cash, -10), (payable, 10), key="k")

        with pytest.raises(Busy), db.statement() as own:
            own.execute("SET lock_timeout = '50ms'")
            try:
                post(own, (cash, -10), (payable, 10), key="k")
            finally:
                own.execute("SET lock_timeout = '2s'")

    assert post(connection, (cash, -10), (payable, 10), key="k").replayed
    assert balance(connection, cash) == 90
