"""Merging: what is left on one gift card goes onto another of the same customer.

Value that was paid for and value that was given never meet on a card: the first is kept for customers (decision 0011)
and lasts as long as the law says. So bought cards merge with bought ones, by way of the customer's cash, which keeps it
plain to the wallet that money filled the second card (decision 0014); given cards with those of their campaign.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from rewards.gift_cards import cards
from rewards.gift_cards.cards import Card
from rewards.gift_cards.errors import GiftCardsDiffer
from rewards.gift_cards.events import GiftCardMerged
from wallet import accounts, ledger, standing
from wallet.accounts import Opening
from wallet.transfers import Transfer

KIND = "gift_card.merge"


def merge(
    session: Session,
    *,
    principal: str,
    key: str,
    fingerprint: bytes,
    customer_id: UUID,
    from_id: UUID,
    into_id: UUID,
    now: datetime,
) -> UUID:
    """Move all that is free on one card onto another; the second card's id.

    Bought value lasts until the later of the two cards' ends, given value until the earlier.
    raises   VoucherUnknown for another's; GiftCardsDiffer; VoucherExpired, VoucherUsedUp; GiftCardPromised;
             AccountFrozen, AccountClosed; KeyReused
    effects  announces gift_card.merged; locks both cards, then posts
    """
    connection = connection_of(session)
    done = ledger.find(connection, principal=principal, key=key, fingerprint=fingerprint)
    if done is not None:
        return UUID(done.details["into_id"])
    if from_id == into_id:
        raise GiftCardsDiffer("A gift card cannot be merged with itself")
    given, taking = cards.lock(connection, [from_id, into_id], holder_id=customer_id)
    _check(given, taking, now=now)
    standing.check_may_leave(connection, f"customer:{customer_id}")

    cash = accounts.of_customer(customer_id, given.currency)
    accounts.open_all(connection, [cash, taking.account])
    _keep_longest(connection, given, taking) if given.is_bought else _keep_shortest(connection, given, taking)
    values = cards.lock_values(connection, [given.account.id, taking.account.id, cash.id])
    amount = cards.check_holds_something(*values[given.account.id])
    merged = GiftCardMerged(
        customer_id=customer_id, occurred_at=now, voucher_id=given.id, into_id=taking.id, amount_minor=amount,
        currency=given.currency,
    )  # fmt: skip
    details = {
        "voucher_id": str(given.id),
        "into_id": str(taking.id),
        "customer_id": str(customer_id),
        "amount_minor": amount,
        "currency": given.currency,
    }
    source = cash if given.is_bought else given.account
    onto = Transfer(
        id=ids.new(),
        principal=principal,
        key=key,
        fingerprint=fingerprint,
        kind=KIND,
        legs=(source.leg(-amount), taking.account.leg(amount)),
        effective_at=now,
        details=details,
        events=(merged,),
    )
    ledger.post_all(connection, [_to_cash(given, cash, amount, onto), onto] if given.is_bought else [onto])
    return taking.id


def _check(given: Card, taking: Card, *, now: datetime) -> None:
    if given.currency != taking.currency or given.is_bought != taking.is_bought:
        raise GiftCardsDiffer
    if not given.is_bought and given.campaign_id != taking.campaign_id:
        raise GiftCardsDiffer
    given.check_usable(now)
    taking.check_usable(now)


def _keep_longest(connection: Connection, given: Card, taking: Card) -> None:
    ends = [end for card in (given, taking) for end in (card.keeps_until, card.expires_at) if end is not None]
    until = max(ends)
    cards.keep(connection, taking.id, expires_at=until, buyer_id=taking.buyer_id, keeps_until=until)
    cards.keep(
        connection, given.id, state="used_up", expires_at=given.expires_at, buyer_id=given.buyer_id,
        keeps_until=given.keeps_until,
    )  # fmt: skip


def _keep_shortest(connection: Connection, given: Card, taking: Card) -> None:
    until = min((card.expires_at for card in (given, taking) if card.expires_at is not None), default=None)
    cards.keep(connection, taking.id, expires_at=until, buyer_id=None, keeps_until=None)
    cards.keep(connection, given.id, state="used_up", expires_at=given.expires_at, buyer_id=None, keeps_until=None)


def _to_cash(given: Card, cash: Opening, amount: int, onto: Transfer) -> Transfer:
    return replace(
        onto,
        id=ids.new(),
        principal="rewards",
        key=f"gift_card.merge:{onto.id}",
        legs=(given.account.leg(-amount), cash.leg(amount)),
        events=(),
    )
