"""Gift cards as the wallet pays with them: what it must know of vouchers, handed in by the wiring."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from core.db import Connection
from rewards import terms
from wallet.accounts import Opening
from wallet.answers import GiftCard


def of_customer(connection: Connection, customer_id: UUID, currency: str, at: datetime) -> Sequence[GiftCard]:
    """The customer's gift cards of a currency that hold something at that instant, the next to expire first.

    A gift card's value is its holder's: it goes on when its campaign has ended, until it expires itself.
    """
    rows = connection.execute(_SPENDABLE, [customer_id, currency, at]).fetchall()
    return [
        GiftCard(
            voucher_id=voucher_id,
            account=Opening(terms.card_owner(voucher_id), "gift", currency, 0),
            available_minor=available,
            expires_at=expires_at,
        )
        for voucher_id, available, expires_at in rows
    ]


_SPENDABLE = """
    SELECT v.id, b.posted - b.held, v.expires_at
      FROM rewards.voucher v
      JOIN rewards.campaign c ON c.id = v.campaign_id AND c.kind = 'gift_card'
      JOIN wallet.account a ON a.owner = 'voucher:' || v.id AND a.purpose = 'gift' AND a.asset = c.currency
      JOIN wallet.balance b ON b.account_id = a.id
     WHERE v.customer_id = %s AND v.state <> 'blocked' AND c.currency = %s
       AND (v.expires_at IS NULL OR v.expires_at > %s)
       AND b.posted > b.held
     ORDER BY v.expires_at NULLS LAST, v.id
"""
