"""Choosing lots: the soonest to lapse is spent first, and a refund finds the way back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from wallet.accounts import Opening
from wallet.errors import InsufficientFunds
from wallet.shares import shares
from wallet.transfers import Leg, LotMove

#: A refund to a lot that has lapsed opens another one, which lasts at least so long.
REVIVED_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class StandingLot:
    """units  free: what of it can be spent"""

    id: UUID
    free: int
    expires_at: datetime | None


def give(opening: Opening, amount: int, *, source: str, expires_at: datetime | None) -> tuple[Leg, LotMove]:
    """A new lot on an account, for a transfer to make; without an expiry it never lapses."""
    move = LotMove(lot_id=ids.new(), account_id=opening.id, amount=amount, source=source, expires_at=expires_at)
    return opening.leg(amount), move


def take(connection: Connection, account_id: UUID, amount: int, *, at: datetime) -> list[LotMove]:
    """What a transfer takes out of which lots of an account: the soonest to lapse first, those of no expiry last.

    raises   InsufficientFunds when those that have not lapsed at `at` do not hold as much
    effects  locks the account's lots, which come before any balance in the order of locks
    """
    return [
        LotMove(lot_id=lot.id, account_id=account_id, amount=-part)
        for lot, part in choose(connection, account_id, amount, at=at)
    ]


def lock(connection: Connection, account_ids: Sequence[UUID]) -> None:
    """Lock the lots of several accounts in the order of locks, before `take` does so one account after the other."""
    connection.execute(_LOCK_ALL, [account_ids])


def choose(connection: Connection, account_id: UUID, amount: int, *, at: datetime) -> list[tuple[StandingLot, int]]:
    """Which lots `amount` comes out of, and how much out of each; locks as `take` does."""
    left = amount
    chosen: list[tuple[StandingLot, int]] = []
    for lot in _locked(connection, account_id, at=at):
        part = min(lot.free, left)
        if part > 0:
            chosen.append((lot, part))
            left -= part
    if left:
        raise InsufficientFunds
    return chosen


def available(connection: Connection, account_ids: Iterable[UUID], *, at: datetime) -> dict[UUID, int]:
    """What can be spent of each account's lots at `at`; an account of which nothing can is left out."""
    return {row[0]: row[1] for row in connection.execute(_AVAILABLE, [list(account_ids), at])}


def give_back(
    connection: Connection, *, transfer_id: UUID, account_id: UUID, amount: int, at: datetime
) -> list[LotMove]:
    """How `amount` of what a transfer took from an account goes back to its lots, in proportion to what each gave.

    What came out of a lot that has lapsed since goes into a new one of REVIVED_FOR. Locks the transfer's lot moves.
    """
    rows = connection.execute(_GAVE, [transfer_id, account_id]).fetchall()
    backs = shares([row[1] for row in rows], amount) if rows else []
    found = []
    for (lot_id, _, expires_at), back in zip(rows, backs, strict=True):
        if not back:
            continue
        if expires_at is None or expires_at > at:
            found.append(LotMove(lot_id=lot_id, account_id=account_id, amount=back, origin=lot_id))
        else:
            revived = ids.new()
            found.append(
                LotMove(
                    lot_id=revived, account_id=account_id, amount=back, source="refund",
                    expires_at=at + REVIVED_FOR, origin=lot_id,
                )
            )  # fmt: skip
    return found


def of_owner(session: Session, owner: str, *, limit: int = 100) -> list[tuple[str, str, int, datetime | None]]:
    """Purpose, asset, what is left, and expiry of an owner's lots, the soonest to lapse first."""
    return connection_of(session).execute(_OF_OWNER, [owner, limit]).fetchall()


def _locked(connection: Connection, account_id: UUID, *, at: datetime) -> list[StandingLot]:
    # Locked in id order, everywhere; spent in the order of their expiry.
    rows = connection.execute(_LOCK, [account_id]).fetchall()
    standing = [StandingLot(*row) for row in rows if row[2] is None or row[2] > at]
    return sorted(standing, key=lambda lot: (lot.expires_at is None, lot.expires_at or at, lot.id))


_LOCK = """
    SELECT id, remaining - held, expires_at FROM wallet.lot WHERE account_id = %s AND remaining > 0
     ORDER BY id FOR NO KEY UPDATE
"""

_LOCK_ALL = """
    SELECT FROM wallet.lot WHERE account_id = ANY(%s) AND remaining > 0 ORDER BY id FOR NO KEY UPDATE
"""

_AVAILABLE = """
    SELECT account_id, sum(remaining - held)::bigint FROM wallet.lot
     WHERE account_id = ANY(%s) AND remaining > 0 AND (expires_at IS NULL OR expires_at > %s)
     GROUP BY account_id HAVING sum(remaining - held) > 0
"""

_GAVE = """
    SELECT m.lot_id, -m.amount - m.refunded, l.expires_at
      FROM wallet.lot_move m JOIN wallet.lot l ON l.id = m.lot_id
     WHERE m.transfer_id = %s AND l.account_id = %s AND -m.amount > m.refunded
     ORDER BY m.lot_id FOR NO KEY UPDATE OF m
"""

_OF_OWNER = """
    SELECT a.purpose, a.asset, l.remaining, l.expires_at
      FROM wallet.account a JOIN wallet.lot l ON l.account_id = a.id
     WHERE a.owner = %s AND l.remaining > 0
     ORDER BY l.expires_at NULLS LAST, l.id LIMIT %s
"""
