"""Activations: a printed gift card is worth something once a till has sold it.

The merchant took the money, so the merchant's account pays: its next settlement brings that much less, or what is below
zero is carried over, within a bound. What stands on the card is its buyer's, whoever that is, and lasts as long as the
law says.
The posting stands under the till's reference (decision 0013): sent twice it is one sale, and taken back it stays so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of, transaction
from core.errors import Busy, NotFound
from core.idempotency import KeyReused
from rewards import terms
from rewards.errors import VoucherUnknown
from rewards.gift_cards import cards
from rewards.gift_cards.errors import GiftCardActive, GiftCardCreditExhausted, GiftCardValueDiffers
from rewards.gift_cards.events import GiftCardActivated
from rewards.redemption import guesses
from rewards.redemption.guesses import Guesser
from rewards.terms import Terms
from rewards.vouchers import codes
from wallet import accounts, ledger
from wallet.paying import reversals
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.paying.tills import Till
from wallet.transfers import Transfer

KIND = "gift_card.activation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """amount_minor: what the till took for the card. lasts: how long after it the money does not lapse.
    owes_most_minor: so far below zero may the merchant's account go."""

    till: Till
    till_reference: str
    code: str
    amount_minor: int
    currency: str
    fingerprint: bytes
    lasts: timedelta
    owes_most_minor: int
    address: str | None = None

    @property
    def guesser(self) -> Guesser:
        return Guesser(terminal_id=self.till.terminal_id, address=self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A card that a till has sold; voided_at: when it was taken back."""

    id: UUID
    voucher_id: UUID
    till_reference: str
    amount_minor: int
    currency: str
    last4: str
    activated_at: datetime
    voided_at: datetime | None = None


def attempt(session: Session, sale: Sale, *, now: datetime) -> Activation:
    """`activate`, where a till that tries many codes is stopped.

    raises   CodeGuessesExceeded after too many wrong codes; what `activate` raises
    effects  a wrong code counts, in a transaction of its own since the caller's is rolled back
    """
    guesses.refuse_when_locked(connection_of(session), sale.guesser, now=now)
    try:
        return activate(session, sale, now=now)
    except VoucherUnknown as refusal:
        with transaction() as counting:
            guesses.note(counting, sale.guesser, refusal, now=now)
        raise


def activate(session: Session, sale: Sale, *, now: datetime) -> Activation:
    """Make a printed card worth what the till took for it; the same sale again is the same activation.

    raises   VoucherUnknown for a code that is no printed card, or a blocked one; GiftCardActive; GiftCardValueDiffers;
             CampaignNotRunning; GiftCardCreditExhausted; TillReferenceReused; PaymentReversed after the till took it
             back
    effects  announces gift_card.activated; locks the card, then the merchant's account for other sales, then posts
    """
    connection = connection_of(session)
    done = by_reference(connection, sale.till.terminal_id, sale.till_reference)
    if done is not None:
        return _again(connection, done, sale)
    normal = codes.normalise(sale.code)
    if codes.is_mistyped(normal):
        raise VoucherUnknown.mistyped()
    row = connection.execute(_LOCK, [codes.index(normal)]).fetchone()
    if row is None:
        raise VoucherUnknown
    card_id, campaign_id, state, last4 = row
    if state != "inactive":
        done = by_reference(connection, sale.till.terminal_id, sale.till_reference)
        if done is not None:  # by a twin, for whose card this has waited
            return _again(connection, done, sale)
    of = terms.load_one(session, campaign_id)
    _check(of, state, sale, now=now)
    _check_credit(connection, sale)

    until = max(now + sale.lasts, of.expiry(now) or now)
    cards.keep(connection, card_id, expires_at=until, buyer_id=None, keeps_until=until)
    made = Activation(
        id=ids.new(),
        voucher_id=card_id,
        till_reference=sale.till_reference,
        amount_minor=sale.amount_minor,
        currency=sale.currency,
        last4=last4,
        activated_at=now,
    )
    _post(connection, sale, made, campaign_id)
    return made


def find(connection: Connection, terminal_id: UUID, till_reference: str) -> Activation:
    """raises  NotFound"""
    found = by_reference(connection, terminal_id, till_reference)
    if found is None:
        raise NotFound
    return found


def by_id(connection: Connection, activation_id: UUID, till: Till) -> Activation | None:
    """What this terminal sold."""
    return _read(connection, f"{_SELECT} t.id = %s AND t.principal = %s", [activation_id, till.principal])


def stands(connection: Connection, terminal_id: UUID, till_reference: str) -> bool:
    """Whether a card was sold under a till's reference, taken back or not."""
    return by_reference(connection, terminal_id, till_reference) is not None


def _again(connection: Connection, done: Activation, sale: Sale) -> Activation:
    if done.voided_at is not None:
        raise PaymentReversed
    try:
        ledger.find(connection, principal=sale.till.principal, key=sale.till_reference, fingerprint=sale.fingerprint)
    except KeyReused as other:
        raise TillReferenceReused from other
    return done


def _check(of: Terms, state: str, sale: Sale, *, now: datetime) -> None:
    if state == "blocked" or not sale.till.takes(of.currency):
        raise VoucherUnknown
    if state != "inactive":
        raise GiftCardActive
    of.check_running(now)
    if (of.value_minor, of.currency) != (sale.amount_minor, sale.currency):
        raise GiftCardValueDiffers(value_minor=of.value_minor, currency=of.currency)


def _check_credit(connection: Connection, sale: Sale) -> None:
    """Sales of one merchant wait for each other here, so that together they stay within it. A sandbox owes nothing."""
    if sale.till.is_sandbox:
        return
    payable = accounts.of_merchant(sale.till.merchant_id, sale.currency)
    accounts.open_all(connection, [payable])
    connection.execute("SELECT FROM wallet.account WHERE id = %s FOR NO KEY UPDATE", [payable.id])
    row = connection.execute(_OWED, [payable.id]).fetchone()
    if row is None or sale.amount_minor - row[0] > sale.owes_most_minor:
        raise GiftCardCreditExhausted(most_minor=sale.owes_most_minor, currency=sale.currency)


def _post(connection: Connection, sale: Sale, made: Activation, campaign_id: UUID) -> None:
    """raises  Busy where a twin was quicker: asked again, it is found; PaymentReversed, TillReferenceReused"""
    payable, card = accounts.of_merchant(sale.till.merchant_id, sale.currency), account_of(made)
    accounts.open_all(connection, [payable, card])
    told = told_of(made, sale.till)
    transfer = Transfer(
        id=made.id,
        principal=sale.till.principal,
        key=sale.till_reference,
        fingerprint=sale.fingerprint,
        kind=KIND,
        legs=(payable.leg(-made.amount_minor), card.leg(made.amount_minor)),
        effective_at=made.activated_at,
        details={name: str(value) for name, value in told.items() if name != "amount_minor"}
        | {"amount_minor": made.amount_minor, "campaign_id": str(campaign_id)},
        events=(GiftCardActivated(occurred_at=made.activated_at, **told),),
    )
    try:
        with connection.transaction():
            posted = ledger.post(connection, transfer)
    except KeyReused as error:
        name = (sale.till.terminal_id, sale.till_reference)
        raise reversals.refusals(connection, [name]).get(name) or TillReferenceReused() from error
    if posted.replayed:
        raise Busy


def told_of(made: Activation, till: Till) -> dict[str, Any]:
    return {
        "voucher_id": made.voucher_id,
        "amount_minor": made.amount_minor,
        "currency": made.currency,
        "merchant_id": till.merchant_id,
        "store_id": till.store_id,
        "terminal_id": till.terminal_id,
    }


def account_of(of: Activation) -> accounts.Opening:
    return cards.account_of(of.voucher_id, of.currency)


def by_reference(connection: Connection, terminal_id: UUID, till_reference: str) -> Activation | None:
    return _read(connection, f"{_SELECT} t.principal = %s AND t.key = %s", [f"till:{terminal_id}", till_reference])


def _read(connection: Connection, query: str, values: list[object]) -> Activation | None:
    row = connection.execute(query, [KIND, *values]).fetchone()
    if row is None:
        return None
    return Activation(
        id=row[0],
        voucher_id=row[1],
        till_reference=row[2],
        amount_minor=row[3],
        currency=row[4],
        last4=row[5],
        activated_at=row[6],
        voided_at=row[7],
    )


_SELECT = """
    SELECT t.id, (t.details ->> 'voucher_id')::uuid, t.key, (t.details ->> 'amount_minor')::bigint,
           t.details ->> 'currency', v.last4, t.effective_at,
           (SELECT r.effective_at FROM wallet.transfer r
             WHERE r.principal = 'reversal:' || split_part(t.principal, ':', 2) AND r.key = t.key)
      FROM wallet.transfer t JOIN rewards.voucher v ON v.id = (t.details ->> 'voucher_id')::uuid
     WHERE t.kind = %s AND t.state = 'posted' AND
"""

_OWED = "SELECT sum(posted)::bigint FROM wallet.balance WHERE account_id = %s"

# Only what stands in a batch is printed; whoever has claimed one, or was given one, has an active card.
_LOCK = """
    SELECT v.id, v.campaign_id, CASE WHEN v.customer_id IS NULL THEN v.state ELSE 'active' END, v.last4
      FROM rewards.voucher v JOIN rewards.campaign c ON c.id = v.campaign_id AND c.kind = 'gift_card'
     WHERE v.code_index = %s AND v.batch_id IS NOT NULL FOR NO KEY UPDATE OF v
"""
