"""Buying: a customer's cash becomes a gift card, or comes onto one that they bought before."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth.step_up import approvals, binding
from core import ids
from core.db import Connection, connection_of
from core.errors import Busy
from rewards.errors import CurrencyMismatch
from rewards.gift_cards import cards, sales
from rewards.gift_cards.errors import GiftCardGiven
from rewards.gift_cards.events import GiftCardBought, GiftCardLoaded
from rewards.vouchers import codes
from rewards.vouchers import rows as voucher_rows
from rewards.vouchers.rows import Draft, Voucher
from wallet import accounts, ledger
from wallet.peers import wallets
from wallet.transfers import Limit, Transfer

#: The audit of limits knows it: what it takes of the customer's own cash counts against "pay".
KIND = "gift_card.purchase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """lasts        how long after it the money does not lapse
    approval_id  what the customer's passkey said yes to, where they pay more than their limit
    """

    principal: str
    key: str
    fingerprint: bytes
    customer_id: UUID
    amount_minor: int
    currency: str
    lasts: timedelta
    approval_id: UUID | None = None
    id: UUID = field(default_factory=ids.new)


def buy(session: Session, new: Purchase, *, now: datetime) -> UUID:
    """Sell a gift card to the customer; its id.

    raises   CurrencyUnknown, GiftCardsNotSold, InsufficientFunds, LimitExceeded, AccountFrozen, AccountClosed;
             KeyReused; Erased; StepUpRequired, and those of `approvals.consume`
    effects  counts against "pay"; announces gift_card.bought; posts
    """
    done = ledger.find(connection_of(session), principal=new.principal, key=new.key, fingerprint=new.fingerprint)
    if done is not None:
        return UUID(done.details["voucher_id"])
    new = _approved(session, new, now=now)
    wallets.ready(session, new.customer_id, new.currency)
    campaign_id = sales.open_for(session, new.currency, now=now)

    card = _drawn(new, campaign_id, now=now)
    voucher_rows.insert(session, [Draft(f"gift_card:{card.id}", card, ())])
    connection = connection_of(session)
    cards.keep(connection, card.id, expires_at=card.expires_at, buyer_id=new.customer_id, keeps_until=now + new.lasts)
    accounts.open_all(connection, [cards.account_of(card.id, new.currency)])
    bought = GiftCardBought(
        customer_id=new.customer_id, occurred_at=now, voucher_id=card.id, amount_minor=new.amount_minor,
        currency=new.currency,
    )  # fmt: skip
    _post(connection, _paid_for(new, card.id, bought, now=now))
    return card.id


def load(session: Session, card_id: UUID, new: Purchase, *, now: datetime) -> UUID:
    """Bring more of the customer's cash onto a gift card that was bought; all of it lasts as long as the new money.

    raises   VoucherUnknown for another's; VoucherExpired; GiftCardGiven for one that the brand gave; CurrencyMismatch,
             InsufficientFunds, LimitExceeded, AccountFrozen, AccountClosed; KeyReused; StepUpRequired, and those of
             `approvals.consume`
    effects  counts against "pay"; announces gift_card.loaded; posts
    """
    connection = connection_of(session)
    done = ledger.find(connection, principal=new.principal, key=new.key, fingerprint=new.fingerprint)
    if done is not None:
        return UUID(done.details["voucher_id"])
    [card] = cards.lock(connection, [card_id], holder_id=new.customer_id)
    card.check_usable(now)
    if not card.is_bought:
        raise GiftCardGiven
    if card.currency != new.currency:
        raise CurrencyMismatch(currency=new.currency, voucher_currency=card.currency)
    new = _approved(session, new, now=now)
    wallets.ready(session, new.customer_id, new.currency)

    until = max(now + new.lasts, card.keeps_until or now, card.expires_at or now)
    cards.keep(connection, card.id, expires_at=until, buyer_id=card.buyer_id, keeps_until=until)
    loaded = GiftCardLoaded(
        customer_id=new.customer_id, occurred_at=now, voucher_id=card.id, amount_minor=new.amount_minor,
        currency=new.currency,
    )  # fmt: skip
    _post(connection, _paid_for(new, card.id, loaded, now=now))
    return card.id


def _approved(session: Session, new: Purchase, *, now: datetime) -> Purchase:
    """The purchase under the name that its approval gave it, if it was sent with one; that is used up by it."""
    transfer_id = approvals.consume(
        session,
        new.approval_id,
        customer_id=new.customer_id,
        purpose="gift_card",
        amount_minor=new.amount_minor,
        currency=new.currency,
        payee=binding.BRAND,
        now=now,
    )
    return new if transfer_id is None else replace(new, id=transfer_id)


def _drawn(new: Purchase, campaign_id: UUID, *, now: datetime) -> Voucher:
    return Voucher(
        id=ids.new(),
        campaign_id=campaign_id,
        customer_id=new.customer_id,
        kind="gift_card",
        code=codes.draw(),
        currency=new.currency,
        value_minor=new.amount_minor,
        expires_at=now + new.lasts,
        issued_at=now,
        replayed=False,
    )


def _post(connection: Connection, transfer: Transfer) -> None:
    """raises  Busy where a twin was quicker: what was written for this one must go; asked again, the twin's is found"""
    if ledger.post(connection, transfer).replayed:
        raise Busy


def _paid_for(new: Purchase, card_id: UUID, event: GiftCardBought | GiftCardLoaded, *, now: datetime) -> Transfer:
    cash, card = accounts.of_customer(new.customer_id, new.currency), cards.account_of(card_id, new.currency)
    return Transfer(
        id=new.id,
        principal=new.principal,
        key=new.key,
        fingerprint=new.fingerprint,
        kind=KIND,
        legs=(cash.leg(-new.amount_minor), card.leg(new.amount_minor)),
        effective_at=now,
        details={
            "voucher_id": str(card_id),
            "customer_id": str(new.customer_id),
            "amount_minor": new.amount_minor,
            "currency": new.currency,
        },
        limits=(Limit(customer_id=new.customer_id, scope="pay", asset=new.currency, amount=new.amount_minor),),
        events=(event,),
    )
