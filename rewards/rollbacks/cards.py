"""Gift cards that get value back after they have expired."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from core.db import Connection
from wallet.lots import REVIVED_FOR


def revive(connection: Connection, refunds: Sequence[tuple[UUID, datetime]]) -> None:
    """Let cards be spent again that these transfers filled after they had expired, for as long as lots are revived.

    effects  locks the cards by id; what is left on them then lapses again
    """
    columns = [[transfer_id for transfer_id, _ in refunds], [at for _, at in refunds]]
    connection.execute(_REVIVE, [REVIVED_FOR, *columns])


# The cards in id order, as everywhere. It counts from when the refund was given, however late that is read.
_REVIVE = """
    WITH refilled AS (
        SELECT split_part(a.owner, ':', 2)::uuid AS id, r.at, r.at + %s AS until
          FROM unnest(%s::uuid[], %s::timestamptz[]) AS r (id, at)
          JOIN wallet.entry e ON e.transfer_id = r.id AND e.amount > 0
          JOIN wallet.account a ON a.id = e.account_id AND a.purpose = 'gift'
    ), expired AS (
        SELECT v.id FROM rewards.voucher v
         WHERE EXISTS (SELECT FROM refilled r WHERE r.id = v.id AND v.expires_at <= r.at)
         ORDER BY v.id FOR NO KEY UPDATE
    ), revived AS (
        UPDATE rewards.voucher v SET expires_at = (SELECT max(until) FROM refilled r WHERE r.id = v.id)
          FROM expired WHERE v.id = expired.id
        RETURNING v.id, v.expires_at)
    UPDATE rewards.gift_card g SET due_at = revived.expires_at FROM revived WHERE g.voucher_id = revived.id
"""
