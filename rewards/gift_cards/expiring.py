"""Expiry: holders are warned before a gift card lapses, and what is left then goes to the brand's breakage.

A card that the brand gave lapses when it expires. Of one that was bought nothing does before `keeps_until`: in the
United States five years after money last came onto it (15 USC 1693l-1, 12 CFR 1005.20).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core import ids
from core.db import Connection, connection_of, transaction
from core.events import announce_all
from rewards.gift_cards import cards
from rewards.gift_cards.events import GiftCardExpiring, GiftCardLapsed
from wallet import accounts, ledger, standing
from wallet.transfers import Transfer

KIND = "gift_card.lapse"

#: Cards of one transaction, which must be short.
BATCH = 100

#: When to look again at what could not lapse: held for a payment, or its holder's wallet frozen.
RETRY_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Due:
    """holder_id: whose it is; the giver's while it is a gift on its way"""

    voucher_id: UUID
    holder_id: UUID | None
    currency: str
    ends_at: datetime | None
    warned_at: datetime | None


def watch_due(now: datetime) -> int:
    """Warn of cards that lapse within 30 days, and let those lapse whose time is over; how many were looked at.

    effects  announces gift_card.expiring, once for each end that a card is given, and gift_card.lapsed; posts
    """
    with transaction() as session:
        connection = connection_of(session)
        found = [_Due(*row) for row in connection.execute(_DUE, [now, BATCH])]
        over = [card for card in found if card.ends_at is not None and now >= card.ends_at]
        early = [card for card in found if card not in over]

        values = cards.lock_values(connection, [_account_id(card) for card in found]) if found else {}
        warned = [card for card in early if _is_to_warn(card, values, now=now)]
        announce_all(session, [_warning(card, values[_account_id(card)][0], now=now) for card in warned])
        _look_again(connection, [(card, _next_look(card, now=now)) for card in early], warned, now=now)
        _lapse(connection, over, values, now=now)
    return len(found)


def _is_to_warn(card: _Due, values: dict[UUID, tuple[int, int]], *, now: datetime) -> bool:
    if card.ends_at is None or card.warned_at is not None or now < card.ends_at - cards.WARNED_BEFORE:
        return False
    return values[_account_id(card)][0] > 0


def _next_look(card: _Due, *, now: datetime) -> datetime | None:
    """A card whose end was put off since is looked after when that is near."""
    if card.ends_at is None:
        return None
    warning_at = card.ends_at - cards.WARNED_BEFORE
    return warning_at if now < warning_at else card.ends_at


def _lapse(connection: Connection, over: Sequence[_Due], values: dict[UUID, tuple[int, int]], *, now: datetime) -> None:
    owners = {f"customer:{card.holder_id}" for card in over if card.holder_id is not None}
    frozen = standing.frozen_of(connection, owners) if owners else set()
    looks: list[tuple[_Due, datetime | None]] = []
    lapsing: list[tuple[_Due, int]] = []
    for card in over:
        posted, held = values[_account_id(card)]
        stays = f"customer:{card.holder_id}" in frozen
        if posted > held and not stays:
            lapsing.append((card, posted - held))
        looks.append((card, now + RETRY_AFTER if held or (posted and stays) else None))

    accounts.open_all(connection, {accounts.of_brand("breakage", card.currency) for card, _ in lapsing})
    _look_again(connection, looks, [], now=now)
    ledger.post_all(connection, [_lapsed(card, amount, now=now) for card, amount in lapsing])


def _lapsed(card: _Due, amount: int, *, now: datetime) -> Transfer:
    lapsed_id = ids.new()
    return Transfer(
        id=lapsed_id,
        principal="rewards",
        # A card may lapse again, when a refund has filled it or a hold has ended; its lock keeps it from lapsing twice.
        key=f"gift_card.lapse:{card.voucher_id}:{lapsed_id}",
        fingerprint=b"",
        kind=KIND,
        legs=(
            cards.account_of(card.voucher_id, card.currency).leg(-amount),
            accounts.of_brand("breakage", card.currency).leg(amount),
        ),
        effective_at=now,
        details={"voucher_id": str(card.voucher_id), "amount_minor": amount, "currency": card.currency},
        events=(
            GiftCardLapsed(
                customer_id=card.holder_id, occurred_at=now, voucher_id=card.voucher_id, amount_minor=amount,
                currency=card.currency,
            ),
        ),
    )  # fmt: skip


def _warning(card: _Due, amount: int, *, now: datetime) -> GiftCardExpiring:
    assert card.ends_at is not None, "only what ends is warned of"
    return GiftCardExpiring(
        customer_id=card.holder_id, occurred_at=now, voucher_id=card.voucher_id, amount_minor=amount,
        currency=card.currency, expires_at=card.ends_at,
    )  # fmt: skip


def _look_again(
    connection: Connection,
    looks: Sequence[tuple[_Due, datetime | None]],
    warned: Sequence[_Due],
    *,
    now: datetime,
) -> None:
    if not looks:
        return
    told = {card.voucher_id for card in warned}
    columns = [
        [card.voucher_id for card, _ in looks],
        [at for _, at in looks],
        [now if card.voucher_id in told else card.warned_at for card, _ in looks],
    ]
    connection.execute(_LOOK_AGAIN, columns)


def _account_id(card: _Due) -> UUID:
    return cards.account_of(card.voucher_id, card.currency).id


# Whoever changes a card's end locks this row too, so the end that is read with it stands.
_DUE = """
    SELECT g.voucher_id, coalesce(f.giver_id, v.customer_id), c.currency,
           CASE WHEN v.expires_at IS NULL THEN NULL ELSE greatest(v.expires_at, g.keeps_until) END, g.warned_at
      FROM rewards.gift_card g
      JOIN rewards.voucher v ON v.id = g.voucher_id
      JOIN rewards.campaign c ON c.id = v.campaign_id
      LEFT JOIN rewards.gift f ON f.id = v.customer_id
     WHERE g.due_at <= %s
     ORDER BY g.due_at LIMIT %s
       FOR NO KEY UPDATE OF g SKIP LOCKED
"""

_LOOK_AGAIN = """
    UPDATE rewards.gift_card g SET due_at = l.due_at, warned_at = l.warned_at
      FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS l (voucher_id, due_at, warned_at)
     WHERE g.voucher_id = l.voucher_id
"""
