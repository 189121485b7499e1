"""Checkouts whose payment was given back by itself: once nothing of it is left, their vouchers are used no longer.

Where the till collected a part itself nobody knows whether that went back: such a basket is rolled back by its till.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from rewards.rollbacks import wholes
from rewards.rollbacks.rows import Deed
from rewards.rollbacks.wholes import Opened


def open_all(session: Session, refunds: Sequence[tuple[UUID, datetime]]) -> list[tuple[Opened, datetime]]:
    """Those checkouts that these (payment, time) leave nothing of, with when; what was rolled back before is left out.

    effects  locks them by id
    """
    connection = connection_of(session)
    at_of = dict(refunds)
    found: dict[UUID, UUID] = dict(connection.execute(_GIVEN_BACK, [list(at_of)]).fetchall())
    if not found:
        return []
    # Under the lock it may turn out that somebody has just rolled it back by hand.
    return [
        (each, at_of[found[each.kept.id]]) for each in wholes.open_all(connection, list(found)) if each.kept.left_minor
    ]


def close_all(session: Session, opened: Sequence[tuple[Opened, datetime]]) -> None:
    """Give the uses of their vouchers back. effects: as `wholes.close`."""
    if opened:
        wholes.release(connection_of(session), [each for each, _ in opened])
    for each, at in opened:
        deed = Deed(
            principal="payment.refunded",
            key=str(each.kept.id),
            fingerprint=hashlib.sha256(each.kept.id.bytes).digest(),
            kind="refund",
            at=at,
        )
        wholes.close(session, each, deed, amount_minor=0, transfer_id=None)


# A checkout's payment has the till's reference for its key. (CASE, since other principals' names hold no terminal.)
_GIVEN_BACK = """
    SELECT c.id, t.id
      FROM wallet.transfer t
      JOIN rewards.checkout c
        ON c.terminal_id = CASE WHEN starts_with(t.principal, 'till:') THEN substr(t.principal, 6)::uuid END
       AND c.till_reference = t.key AND c.transfer_id = t.id
     WHERE t.id = ANY(%s) AND c.back_minor < c.total_minor AND c.at_till_minor = 0
       AND NOT EXISTS (SELECT FROM wallet.source s JOIN wallet.account a ON a.id = s.account_id
                        WHERE s.transfer_id = t.id AND s.refunded < s.amount AND a.asset = c.currency)
"""
