"""Payments: a customer's value moves to what the brand owes a merchant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core import ids
from core.db import Connection
from core.errors import InvalidInput, NotFound, Refusal
from core.events import Event
from core.money import MAX_AMOUNT_MINOR
from wallet import accounts, ledger, standing
from wallet.assets import exponent_of
from wallet.errors import AccountMissing, InsufficientFunds, MerchantUnknown
from wallet.events import PaymentCompleted
from wallet.ledger import Leg, Limit, LotMove, Posted, Transfer

KIND = "payment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """sources      legs that give the amount in its currency; None: all from the customer's cash
    lots         what the sources with lots give out of which
    parts        the sources as they are shown: kind, amount_minor, and points or voucher_id
    tip_minor    how much of the amount is a tip
    reference    the merchant's or the customer's own words for it, shown on statements
    more_events  announced with payment.completed
    """

    principal: str
    key: str
    fingerprint: bytes
    customer_id: UUID
    merchant_id: UUID
    store_id: UUID | None = None
    terminal_id: UUID | None = None
    reference: str | None = None
    amount_minor: int
    currency: str
    tip_minor: int = 0
    sources: Sequence[Leg] | None = None
    lots: Sequence[LotMove] = ()
    parts: Sequence[Mapping[str, Any]] = ()
    approval_id: UUID | None = None
    at: datetime
    more_events: Sequence[Event] = ()
    id: UUID = field(default_factory=ids.new)


def transfer_of(payment: Payment) -> Transfer:
    """The transfer that a payment is, to be posted with others.

    raises  InvalidInput for an amount outside 1..2^53-1; CurrencyUnknown
    """
    if not 1 <= payment.amount_minor <= MAX_AMOUNT_MINOR:
        raise InvalidInput(
            errors=[{"pointer": "/amount/amount_minor", "detail": "Must be from 1 to 9007199254740991."}]
        )
    exponent_of(payment.currency)
    sources = payment.sources
    if sources is None:
        cash = accounts.of_customer(payment.customer_id, payment.currency)
        sources = (cash.leg(-payment.amount_minor),)

    return Transfer(
        id=payment.id,
        principal=payment.principal,
        key=payment.key,
        fingerprint=payment.fingerprint,
        kind=KIND,
        legs=(*sources, _payable(payment).leg(payment.amount_minor)),
        effective_at=payment.at,
        lots=payment.lots,
        limits=_limits(payment, sources),
        details=_details(payment),
        events=(_completed(payment), *payment.more_events),
    )


def pay(connection: Connection, payment: Payment) -> Posted:
    """Pay with one SQL call, on a `statement()` connection. A refusal is frozen: its retry is refused the same way.

    raises   InsufficientFunds, CurrencyUnknown, MerchantUnknown, AccountClosed; KeyReused; Busy while a twin is at it
    effects  announces payment.completed
    """
    transfer = transfer_of(payment)
    try:
        return _posted(connection, payment, transfer)
    except Refusal as refusal:
        if not refusal.is_final or refusal.is_replayed or ledger.decline(connection, transfer, refusal):
            raise
    # A twin took the key between the refusal and its freezing, so its outcome is ours.
    return ledger.post(connection, transfer)


def find(connection: Connection, payment_id: UUID, *, merchant_id: UUID) -> dict[str, Any]:
    """A payment as its merchant sees it, with how much of it has gone back.

    raises  NotFound, also for another merchant's
    """
    row = connection.execute(_FIND, [payment_id, str(merchant_id)]).fetchone()
    if row is None:
        raise NotFound
    return shown(row[0], row[1], row[2], refunded_minor=row[3])


def shown(payment_id: UUID, at: datetime, details: Mapping[str, Any], *, refunded_minor: int = 0) -> dict[str, Any]:
    """A payment as the doors show it."""
    named = {name: details.get(name) for name in ("merchant_id", "store_id", "reference", "approval_id")}
    currency = details["currency"]
    money = {
        "amount": {"amount_minor": details["amount_minor"], "currency": currency},
        "tip": {"amount_minor": details.get("tip_minor", 0), "currency": currency},
        "refunded": {"amount_minor": refunded_minor, "currency": currency},
    }
    # A payment that does not name its parts was paid out of cash alone.
    parts = details.get("parts") or [{"kind": "cash", "amount_minor": details["amount_minor"]}]
    return {"id": payment_id, **money, "parts": parts, "paid_at": at, **named}


def open_missing(connection: Connection, payment: Payment, missing: AccountMissing) -> None:
    """Open the account that a payment lacked: the merchant's, at its first payment in this currency.

    raises  InsufficientFunds, CurrencyUnknown where it was a source's; MerchantUnknown
    """
    payable = _payable(payment)
    if missing.account_id != payable.id:
        raise _shortfall(connection, payment) from missing
    if not connection.execute("SELECT FROM auth.merchant WHERE id = %s", [payment.merchant_id]).rowcount:
        raise MerchantUnknown from missing
    accounts.open_all(connection, [payable])


def merchant_of_store(connection: Connection, store_id: UUID) -> UUID:
    """raises  MerchantUnknown"""
    row = connection.execute("SELECT merchant_id FROM auth.store WHERE id = %s", [store_id]).fetchone()
    if row is None:
        raise MerchantUnknown("There is no such store")
    merchant_id: UUID = row[0]
    return merchant_id


def _payable(payment: Payment) -> accounts.Opening:
    return accounts.of_merchant(payment.merchant_id, payment.currency)


def _posted(connection: Connection, payment: Payment, transfer: Transfer) -> Posted:
    try:
        return _post_opening(connection, payment, transfer)
    except InsufficientFunds as refusal:
        if refusal.is_replayed:
            raise
        raise _shortfall(connection, payment) from refusal


def _post_opening(connection: Connection, payment: Payment, transfer: Transfer) -> Posted:
    try:
        return ledger.post(connection, transfer)
    except AccountMissing as missing:
        open_missing(connection, payment, missing)
        return ledger.post(connection, transfer)


def _shortfall(connection: Connection, payment: Payment) -> Refusal:
    return standing.shortfall(connection, accounts.of_customer(payment.customer_id, payment.currency))


def _limits(payment: Payment, sources: Sequence[Leg]) -> Sequence[Limit]:
    """What leaves the customer's own cash counts; what others gave for it does not."""
    cash = accounts.of_customer(payment.customer_id, payment.currency).id
    spent = -sum([leg.amount for leg in sources if leg.account_id == cash])
    return (Limit(customer_id=payment.customer_id, scope="pay", asset=payment.currency, amount=spent),) if spent else ()


def _details(payment: Payment) -> dict[str, Any]:
    named = {
        "customer_id": payment.customer_id,
        "merchant_id": payment.merchant_id,
        "store_id": payment.store_id,
        "terminal_id": payment.terminal_id,
        "approval_id": payment.approval_id,
    }
    return {
        **{name: str(value) for name, value in named.items() if value is not None},
        **({"reference": payment.reference} if payment.reference is not None else {}),
        **({"tip_minor": payment.tip_minor} if payment.tip_minor else {}),
        **({"parts": list(payment.parts)} if payment.parts else {}),
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
    }


def _completed(payment: Payment) -> PaymentCompleted:
    return PaymentCompleted(
        customer_id=payment.customer_id,
        occurred_at=payment.at,
        payment_id=payment.id,
        merchant_id=payment.merchant_id,
        store_id=payment.store_id,
        terminal_id=payment.terminal_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )


_FIND = """
    SELECT t.id, t.effective_at, t.details,
           (SELECT coalesce(sum(p.refunded), 0)::bigint
              FROM wallet.source p JOIN wallet.account a ON a.id = p.account_id
             WHERE p.transfer_id = t.id AND a.asset = t.details ->> 'currency')
      FROM wallet.transfer t
     WHERE t.id = %s AND t.kind = 'payment' AND t.state = 'posted' AND t.details ->> 'merchant_id' = %s
"""
