"""A customer's gift cards while a deed is done with them: locked, so that none is merged, given and refunded at once.

Vouchers are locked by id, then what is known of them as gift cards, and balances last: the order of redemptions.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.db import Connection
from rewards import terms
from rewards.errors import VoucherExpired, VoucherUnknown, VoucherUsedUp
from rewards.gift_cards.errors import GiftCardPromised
from wallet.accounts import Opening

#: Its holder is told that a card is about to lapse so long before it does.
WARNED_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """buyer_id, keeps_until: as `models.GiftCardRow`"""

    id: UUID
    campaign_id: UUID
    holder_id: UUID
    currency: str
    expires_at: datetime | None
    buyer_id: UUID | None
    keeps_until: datetime | None

    @property
    def account(self) -> Opening:
        return account_of(self.id, self.currency)

    @property
    def is_bought(self) -> bool:
        return self.keeps_until is not None

    def check_usable(self, at: datetime) -> None:
        """raises  VoucherExpired"""
        if self.expires_at is not None and at >= self.expires_at:
            raise VoucherExpired(expired_at=self.expires_at.isoformat())


def account_of(voucher_id: UUID, currency: str) -> Opening:
    """Where a gift card's value stands."""
    return Opening(terms.card_owner(voucher_id), "gift", currency, 0)


def lock(connection: Connection, card_ids: Collection[UUID], *, holder_id: UUID) -> list[Card]:
    """The customer's gift cards of these ids in their order, locked.

    raises  VoucherUnknown where one is not theirs, is blocked or is no gift card
    """
    rows = connection.execute(_LOCK, [sorted(set(card_ids)), holder_id]).fetchall()
    bought = connection.execute(_LOCK_BOUGHT, [[row[0] for row in rows]]).fetchall()
    of_card = {row[0]: row[1:] for row in bought}
    found = {
        row[0]: Card(
            id=row[0],
            campaign_id=row[1],
            holder_id=holder_id,
            currency=row[2],
            expires_at=row[3],
            buyer_id=of_card.get(row[0], (None, None))[0],
            keeps_until=of_card.get(row[0], (None, None))[1],
        )
        for row in rows
    }
    if not all(card_id in found for card_id in card_ids):
        raise VoucherUnknown
    return [found[card_id] for card_id in card_ids]


def lock_values(connection: Connection, account_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """What stands on accounts and what of it is held, which stays so until this transaction is over."""
    rows = connection.execute(_LOCK_VALUES, [list(account_ids)]).fetchall()
    return dict.fromkeys(account_ids, (0, 0)) | {row[0]: (row[1], row[2]) for row in rows}


def check_holds_something(posted: int, held: int) -> int:
    """What is free on a card.

    raises  GiftCardPromised where all of it is held; VoucherUsedUp where there is nothing
    """
    if posted <= held:
        raise GiftCardPromised if held else VoucherUsedUp
    return posted - held


def keep(
    connection: Connection,
    card_id: UUID,
    *,
    state: str = "active",
    expires_at: datetime | None,
    buyer_id: UUID | None,
    keeps_until: datetime | None,
) -> None:
    """Write what a deed made of a card: from now on it is looked after by its new times.

    effects  its holder may be warned anew
    """
    connection.execute(
        "UPDATE rewards.voucher SET state = %s, expires_at = %s WHERE id = %s", [state, expires_at, card_id]
    )
    due_at = due_of(expires_at)
    connection.execute(_KEEP, [card_id, buyer_id, keeps_until, due_at])


def due_of(expires_at: datetime | None) -> datetime | None:
    """When to look after a card next that nobody was warned of."""
    return None if expires_at is None else expires_at - WARNED_BEFORE


_LOCK = """
    SELECT v.id, v.campaign_id, c.currency, v.expires_at
      FROM rewards.voucher v JOIN rewards.campaign c ON c.id = v.campaign_id AND c.kind = 'gift_card'
     WHERE v.id = ANY(%s) AND v.customer_id = %s AND v.state <> 'blocked'
     ORDER BY v.id FOR NO KEY UPDATE OF v
"""

_LOCK_BOUGHT = """
    SELECT voucher_id, buyer_id, keeps_until FROM rewards.gift_card
     WHERE voucher_id = ANY(%s) ORDER BY voucher_id FOR NO KEY UPDATE
"""

_LOCK_VALUES = """
    SELECT account_id, posted, held FROM wallet.balance
     WHERE account_id = ANY(%s) ORDER BY account_id FOR NO KEY UPDATE
"""

_KEEP = """
    INSERT INTO rewards.gift_card (voucher_id, buyer_id, keeps_until, due_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (voucher_id) DO UPDATE
       SET buyer_id = excluded.buyer_id, keeps_until = excluded.keeps_until, due_at = excluded.due_at, warned_at = NULL
"""
