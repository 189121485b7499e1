"""Ending a reservation without its basket: by the till, by its time, or by a reversal. All of it goes back."""

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.events import announce_all
from rewards import counters
from rewards.reservations import rows
from rewards.reservations.errors import ReservationOver
from rewards.reservations.events import ReservationEnded
from rewards.reservations.rows import Reservation, State
from wallet import holds, ledger
from wallet.paying import requests, reversals
from wallet.paying.errors import TillReferenceReused
from wallet.paying.reversals import Reversal
from wallet.paying.tills import Till

#: By the wallet's name the transfers stand that free what reservations held.
PRINCIPAL = "reservations"

#: How many end in one transaction.
_BATCH = 50


def release(session: Session, reservation_id: UUID, till: Till, *, now: datetime) -> Reservation:
    """Let go of what is held; again, it is the same answer.

    raises   ReservationOver for another till's, and for one whose basket was taken
    effects  gives vouchers, counters, budgets and gift cards back what was held; announces reservation.ended
    """
    reservation = rows.lock(connection_of(session), reservation_id, till)
    if reservation.state == "taken":
        raise ReservationOver
    if reservation.state != "open":
        return reservation
    return _give_back(session, [reservation], "released" if reservation.is_open(now) else "expired", now=now)[0]


def expire_due(session: Session, *, now: datetime) -> int:
    """End the reservations whose time has passed; how many those were. Announces reservation.ended for each."""
    due = rows.lock_due(connection_of(session), now=now, most=_BATCH)
    if due:
        _give_back(session, due, "expired", now=now)
    return len(due)


def reverse(session: Session, till: Till, till_reference: str, *, at: datetime) -> Reversal | None:
    """Release what stands under a till's reference, and let nothing be reserved under it any more; None where nothing
    was reserved. The caller holds the reference's lock.

    raises  TillReferenceReused where its basket was taken, which is reversed by the basket's own reference
    """
    connection = connection_of(session)
    reservation = rows.by_reference(connection, till.terminal_id, till_reference, locks=True)
    if reservation is None:
        return None
    if reservation.state == "taken":
        raise TillReferenceReused("The reservation's basket has been taken: reverse that one")
    if reservation.state == "open":
        _uncount(connection, [reservation])
    reversal = _take_back(session, till, reservation, at=at)
    if reservation.state == "open":
        _note(session, rows.end(connection, [reservation], "reversed", at=at))
    return reversal


def _take_back(session: Session, till: Till, reservation: Reservation, *, at: datetime) -> Reversal:
    """Free the hold; where there is none, the name alone stands in the ledger, and goes on to."""
    if reservation.hold_id is not None:
        return reversals.reverse(session, till, reservation.till_reference, at=at)
    requests.cancel_by_reference(session, till, reservation.till_reference, now=at)
    return Reversal(till_reference=reservation.till_reference, reversed_at=reservation.ended_at or at)


def _give_back(
    session: Session, reservations: Sequence[Reservation], state: State, *, now: datetime
) -> list[Reservation]:
    connection = connection_of(session)
    _uncount(connection, reservations)
    held = [each.hold_id for each in reservations if each.hold_id is not None]
    ended = rows.end(connection, reservations, state, at=now)
    ledger.post_all(connection, holds.endings(session, held, principal=PRINCIPAL, at=now))
    _note(session, ended)
    return ended


def _note(session: Session, ended: Sequence[Reservation]) -> None:
    announce_all(session, [fact(each) for each in ended])


def fact(ended: Reservation) -> ReservationEnded:
    assert ended.ended_at is not None
    return ReservationEnded(
        customer_id=ended.customer_id,
        occurred_at=ended.ended_at,
        reservation_id=ended.id,
        merchant_id=ended.till.merchant_id,
        store_id=ended.till.store_id,
        ended_by=ended.state,
    )


def _uncount(connection: Connection, reservations: Sequence[Reservation]) -> None:
    """Give vouchers their uses back, and counters what was counted, in the buckets where it was.

    effects  locks vouchers by id, then counters, as everywhere
    """
    uses = [use for each in reservations for use in each.uses]
    by_voucher = Tally(use.voucher_id for use in uses)
    connection.execute(_LOCK_VOUCHERS, [list(by_voucher)])
    counters.give_back(
        connection,
        [
            ((use.campaign_id, scope, measure, bucket), add)
            for use in uses
            for scope, measure, bucket, add in use.counted
        ],
    )
    connection.execute(_UNUSE, [list(by_voucher), list(by_voucher.values())])


_LOCK_VOUCHERS = "SELECT FROM rewards.voucher WHERE id = ANY(%s) AND NOT is_generic ORDER BY id FOR NO KEY UPDATE"

# As a rollback does: one that was blocked meanwhile stays so.
_UNUSE = """
    UPDATE rewards.voucher v
       SET used = v.used - u.uses, state = CASE WHEN v.state = 'used_up' THEN 'active' ELSE v.state END
      FROM unnest(%s::uuid[], %s::int[]) AS u (id, uses)
     WHERE v.id = u.id AND NOT v.is_generic
"""
