"""Lapsing: owners are warned before a lot lapses, and what is left of it then goes to the brand's breakage."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of, transaction
from core.events import announce_all
from wallet import accounts, ledger
from wallet.accounts import Opening
from wallet.events import LotExpiring, LotLapsed
from wallet.transfers import LotMove, Transfer

KIND = "lapse"
WARNED_BEFORE = timedelta(days=7)

#: Lots of one transaction, which must be short.
BATCH = 200


def warn_due(now: datetime) -> int:
    """Tell the owners of lots that lapse within WARNED_BEFORE, once each; how many lots those were."""
    with transaction() as session:
        rows = connection_of(session).execute(_WARN, [now, now + WARNED_BEFORE, BATCH, now]).fetchall()
        announce_all(
            session,
            [
                LotExpiring(
                    customer_id=_customer_of(owner), occurred_at=now, lot_id=lot_id, purpose=purpose,
                    amount_minor=free, currency=asset, expires_at=expires_at,
                )
                for lot_id, owner, purpose, asset, free, expires_at in rows
            ],
        )  # fmt: skip
    return len(rows)


def lapse_due(now: datetime) -> int:
    """Take what is left of lots whose time has passed, but for what holds promise; how many lots those were."""
    with transaction() as session:
        return lapse(session, now=now)


def lapse(session: Session, *, now: datetime) -> int:
    """`lapse_due` in the caller's transaction.

    effects  announces lot.lapsed; posts
    """
    connection = connection_of(session)
    rows = connection.execute(_LAPSE, [now, BATCH]).fetchall()
    breakage = {accounts.of_brand("breakage", asset) for _, _, _, asset, _ in rows}
    accounts.open_all(connection, breakage)
    ledger.post_all(connection, [_lapse(*row, now=now) for row in rows])
    return len(rows)


def _lapse(lot_id: UUID, owner: str, purpose: str, asset: str, free: int, *, now: datetime) -> Transfer:
    customer_id, lapsed_id = _customer_of(owner), ids.new()
    account = Opening(owner, purpose, asset, 0)
    return Transfer(
        id=lapsed_id,
        principal="wallet",
        # A lot may lapse again, when a hold on it has ended: its lock keeps it from lapsing twice.
        key=f"lapse:{lot_id}:{lapsed_id}",
        fingerprint=b"",
        kind=KIND,
        legs=(account.leg(-free), accounts.of_brand("breakage", asset).leg(free)),
        effective_at=now,
        details={"lot_id": str(lot_id), "amount_minor": free, "currency": asset},
        events=(
            LotLapsed(
                customer_id=customer_id, occurred_at=now, lot_id=lot_id, purpose=purpose, amount_minor=free,
                currency=asset,
            ),
        ),
        lots=(LotMove(lot_id=lot_id, account_id=account.id, amount=-free),),
    )  # fmt: skip


def _customer_of(owner: str) -> UUID:
    return UUID(owner.removeprefix("customer:"))


_WARN = """
    WITH soon AS (
        SELECT l.id, l.account_id, l.remaining - l.held AS free, l.expires_at
          FROM wallet.lot l
         WHERE l.remaining > 0 AND l.warned_at IS NULL AND l.expires_at > %s AND l.expires_at <= %s
         ORDER BY l.expires_at LIMIT %s
           FOR NO KEY UPDATE SKIP LOCKED
    ), warned AS (
        UPDATE wallet.lot l SET warned_at = %s FROM soon WHERE l.id = soon.id)
    SELECT s.id, a.owner, a.purpose, a.asset, s.free, s.expires_at
      FROM soon s JOIN wallet.account a ON a.id = s.account_id
"""

# Nothing leaves a frozen account, so its lots wait; those of a lot that is being spent are taken the next time.
_LAPSE = """
    SELECT l.id, a.owner, a.purpose, a.asset, l.remaining - l.held
      FROM wallet.lot l JOIN wallet.account a ON a.id = l.account_id AND a.status = 'open'
     WHERE l.remaining > 0 AND l.expires_at <= %s AND l.remaining > l.held
     ORDER BY l.expires_at LIMIT %s
       FOR NO KEY UPDATE OF l SKIP LOCKED
"""
