"""Holds: promised value cannot be spent otherwise; captured in parts, voided, expired; never more than promised."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from psycopg import Connection

from core import ids
from core.db import connection_of, transaction
from core.errors import Refusal
from tests.wallet.conftest import NOW, balance, open_cash, open_payable, transfer
from wallet import accounts, checks, holds, ledger, lots, refunds, standing
from wallet.accounts import Opening
from wallet.errors import (
    AccountFrozen,
    CaptureExceedsHold,
    HoldEnded,
    HoldExpired,
    InsufficientFunds,
    RefundExceedsPayment,
)
from wallet.holds import Capturing, Placing
from wallet.holds.parts import moves_of, parts_of
from wallet.ledger import Leg, LotMove, Posted
from wallet.lots import lapsing

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Scene:
    customer_id: UUID
    merchant_id: UUID

    @property
    def cash(self) -> Opening:
        return accounts.of_customer(self.customer_id, "USD")

    @property
    def promotional(self) -> Opening:
        return accounts.promotional(self.customer_id, "USD")


@pytest.fixture
def scene(connection: Connection) -> Iterator[Scene]:
    scene = Scene(ids.new(), ids.new())
    open_cash(connection, 1000, customer_id=scene.customer_id)
    open_payable(connection, scene.merchant_id)
    yield scene
    assert checks.first_difference(connection) is None


def place(
    scene: Scene, amount: int, *, key: str | None = None, sources: list[tuple[Opening, int]] | None = None
) -> UUID:
    with transaction() as session:
        return holds.place(
            session,
            Placing(
                principal="test", key=key or str(ids.new()), fingerprint=b"", kind="payment",
                customer_id=scene.customer_id, merchant_id=scene.merchant_id,
                sources=sources or [(scene.cash, amount)], currency="USD", expires_at=NOW + HOUR, at=NOW,
            ),
        ).transfer_id  # fmt: skip


def capture(
    scene: Scene, hold_id: UUID, amount: int | None, *, final: bool = False, at: datetime = NOW, key: str | None = None
) -> Posted:
    with transaction() as session:
        return holds.capture(
            session,
            hold_id,
            Capturing(
                principal="test", key=key or str(ids.new()), fingerprint=b"", kind="payment", amount=amount,
                is_final=final, to=accounts.of_merchant(scene.merchant_id, "USD"), at=at,
                details={"merchant_id": str(scene.merchant_id)},
            ),
        )  # fmt: skip


def void(hold_id: UUID, *, at: datetime = NOW) -> None:
    with transaction() as session:
        holds.void(session, hold_id, principal="test", key=str(ids.new()), fingerprint=b"", at=at)


def available(connection: Connection, account: Opening) -> int:
    row = connection.execute("SELECT posted - held FROM wallet.balance WHERE account_id = %s", [account.id]).fetchone()
    assert row
    return int(row[0])


def test_held_value_stands_there_and_cannot_be_spent(connection: Connection, scene: Scene) -> None:
    place(scene, 700)

    assert (balance(connection, scene.cash.id), available(connection, scene.cash)) == (1000, 300)
    with pytest.raises(InsufficientFunds):
        place(scene, 301)
    place(scene, 300)


def test_captures_in_parts_up_to_what_is_promised(connection: Connection, scene: Scene) -> None:
    hold = place(scene, 700)

    capture(scene, hold, 200)
    capture(scene, hold, 500)

    assert available(connection, scene.cash) == 300
    assert balance(connection, accounts.of_merchant(scene.merchant_id, "USD").id) == 700
    with pytest.raises(HoldEnded):
        capture(scene, hold, 1)


def test_capture_over_the_rest_is_refused_and_says_what_is_left(connection: Connection, scene: Scene) -> None:
    hold = place(scene, 700)
    capture(scene, hold, 200)

    with pytest.raises(CaptureExceedsHold) as refused:
        capture(scene, hold, 501)

    assert refused.value.facts == {"left_minor": 500}


def test_final_capture_frees_the_rest(connection: Connection, scene: Scene) -> None:
    hold = place(scene, 700)

    capture(scene, hold, 200, final=True)

    assert (balance(connection, scene.cash.id), available(connection, scene.cash)) == (800, 800)


def test_same_capture_again_is_replayed(connection: Connection, scene: Scene) -> None:
    hold = place(scene, 700)

    first, again = capture(scene, hold, 200, key="c"), capture(scene, hold, 200, key="c")

    assert (first.transfer_id, again.replayed) == (again.transfer_id, True)
    assert balance(connection, scene.cash.id) == 800


def test_same_placing_again_is_the_same_hold(connection: Connection, scene: Scene) -> None:
    assert place(scene, 700, key="h") == place(scene, 700, key="h")
    assert available(connection, scene.cash) == 300


def test_voided_hold_frees_all_and_cannot_be_captured(connection: Connection, scene: Scene) -> None:
    hold = place(scene, 700)

    void(hold)

    assert available(connection, scene.cash) == 1000
    with pytest.raises(HoldEnded):
        capture(scene, hold, 1)


def test_hold_can_be_captured_until_it_expires(connection: Connection, scene: Scene) -> None:
    hold = place(scene, 700)

    capture(scene, hold, 100, at=NOW + HOUR - timedelta(microseconds=1))
    with pytest.raises(HoldExpired):
        capture(scene, hold, 100, at=NOW + HOUR)


def test_expired_hold_frees_what_was_not_captured(connection: Connection, scene: Scene) -> None:
    hold = place(scene, 700)
    capture(scene, hold, 100)

    with transaction() as session:
        assert holds.expire_due(session, now=NOW + HOUR) == 1
    with transaction() as session:
        assert holds.expire_due(session, now=NOW + HOUR) == 0

    assert available(connection, scene.cash) == 900
    with pytest.raises(HoldExpired):
        capture(scene, hold, 1, at=NOW + HOUR)
    told = connection.execute(
        "SELECT payload ->> 'amount_minor' FROM core.event WHERE name = 'hold.expired'"
    ).fetchall()
    assert told == [("600",)]


def test_nothing_is_held_on_a_frozen_account(connection: Connection, scene: Scene) -> None:
    with transaction() as session:
        standing.freeze(session, scene.cash.owner)

    with pytest.raises(AccountFrozen):
        place(scene, 1)


def test_mixed_hold_takes_its_sources_in_order_and_refunds_find_them(connection: Connection, scene: Scene) -> None:
    accounts.open_all(connection, [scene.promotional, accounts.of_marketing("USD")])
    leg, move = lots.give(scene.promotional, 300, source="promotion", expires_at=NOW + HOUR / 2)
    ledger.post(connection, transfer([accounts.of_marketing("USD").leg(-300), leg], lots=[move]))
    hold = place(scene, 700, sources=[(scene.promotional, 300), (scene.cash, 400)])

    # What a hold promises does not lapse.
    assert lapsing.lapse_due(NOW + HOUR / 2) == 0
    captured = capture(scene, hold, 500, at=NOW + HOUR / 2)

    assert (balance(connection, scene.promotional.id), balance(connection, scene.cash.id)) == (0, 800)
    with transaction() as session:
        refunds.refund(
            session, principal="test", key="back", fingerprint=b"", payment_id=captured.transfer_id,
            merchant_id=scene.merchant_id, amount_minor=500, at=NOW,
        )  # fmt: skip
    assert (balance(connection, scene.promotional.id), balance(connection, scene.cash.id)) == (300, 1000)
    with pytest.raises(RefundExceedsPayment), transaction() as session:
        refunds.refund(
            session, principal="test", key="more", fingerprint=b"", payment_id=captured.transfer_id,
            merchant_id=scene.merchant_id, amount_minor=1, at=NOW,
        )  # fmt: skip


def test_captures_and_voids_at_once_never_take_more_than_promised(connection: Connection, scene: Scene) -> None:
    hold = place(scene, 700)
    outcomes: list[str] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
            outcomes.append("done")
        except Refusal as refusal:
            outcomes.append(refusal.code)

    works: list[Callable[[], object]] = [lambda: capture(scene, hold, 200) for _ in range(7)]
    threads = [threading.Thread(target=run, args=(work,)) for work in [*works, lambda: void(hold)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    taken = 1000 - balance(connection, scene.cash.id)
    assert taken <= 700 and taken % 200 == 0
    assert available(connection, scene.cash) == 1000 - taken
    assert set(outcomes) <= {"done", "hold_ended", "capture_exceeds_hold"}


def test_lots_and_parts_are_moved_by_their_keys(connection: Connection, scene: Scene) -> None:
    accounts.open_all(connection, [scene.promotional, accounts.of_marketing("USD")])
    leg, move = lots.give(scene.promotional, 300, source="promotion", expires_at=NOW + HOUR)
    ledger.post(connection, transfer([accounts.of_marketing("USD").leg(-300), leg], lots=[move]))
    hold_id = place(scene, 400, sources=[(scene.promotional, 300), (scene.cash, 100)])
    with transaction() as session:
        moves = moves_of(parts_of(session, hold_id), 400, releases_rest=True)

    with transaction() as session:
        taken = transfer(
            [
                Leg(scene.promotional.id, -300),
                scene.cash.leg(-100),
                accounts.of_merchant(scene.merchant_id, "USD").leg(400),
            ],
            lots=[LotMove(lot_id=move.lot_id, account_id=scene.promotional.id, amount=-300)],
            holds=moves,
        )
        ledger.post(connection_of(session), taken)
        read_whole = connection_of(session).execute(
            """SELECT relname FROM pg_stat_xact_user_tables
                WHERE relname IN ('lot', 'lot_move', 'hold_part', 'hold_move') AND seq_scan > 0"""
        )
        assert read_whole.fetchall() == []
        session.rollback()
