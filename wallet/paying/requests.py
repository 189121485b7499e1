"""Payment requests: a basket that waits to be paid by whoever scans its code, once and for exactly its amount."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.errors import InvalidInput, NotFound, Refusal
from core.money import SANDBOX
from wallet.assets import wallet_currencies
from wallet.errors import CurrencyUnknown
from wallet.paying import emvco
from wallet.paying.currencies import NUMERIC
from wallet.paying.errors import (
    PaymentRequestCancelled,
    PaymentRequestExpired,
    PaymentRequestPaid,
    TillReferenceReused,
)
from wallet.paying.models import PaymentRequest
from wallet.paying.tills import Till


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a till asks to be paid."""

    till: Till
    till_reference: str
    amount_minor: int
    currency: str
    tip_allowed: bool
    expires_at: datetime


def create(session: Session, asked: Asked, *, now: datetime) -> PaymentRequest:
    """Ask to be paid; the same again under the same reference is the request that stands.

    raises  TillReferenceReused; CurrencyUnknown; InvalidInput for more than a code can say
    """
    held = [SANDBOX] if asked.till.is_sandbox else wallet_currencies()
    if asked.currency not in NUMERIC or asked.currency not in held:
        raise CurrencyUnknown
    most = emvco.largest_amount(asked.currency)
    if not 0 < asked.amount_minor <= most:
        detail = f"A code says at most {most} minor units."
        raise InvalidInput(errors=[{"pointer": "/amount/amount_minor", "detail": detail}])

    till = asked.till
    fresh: PaymentRequest | None = session.scalar(
        insert(PaymentRequest)
        .values(
            id=ids.new(),
            merchant_id=till.merchant_id,
            store_id=till.store_id,
            terminal_id=till.terminal_id,
            till_reference=asked.till_reference,
            amount_minor=asked.amount_minor,
            currency=asked.currency,
            tip_allowed=asked.tip_allowed,
            created_at=now,
            expires_at=asked.expires_at,
        )
        .on_conflict_do_nothing(index_elements=["terminal_id", "till_reference"])
        .returning(PaymentRequest)
    )
    if fresh is not None:
        if _is_in_ledger(session, till, asked.till_reference):
            raise TillReferenceReused
        return fresh
    kept = session.scalars(_by_reference(till, asked.till_reference)).one()
    if (kept.amount_minor, kept.currency, kept.tip_allowed) != (asked.amount_minor, asked.currency, asked.tip_allowed):
        raise TillReferenceReused
    return kept


def find(session: Session, request_id: UUID, *, terminal_id: UUID) -> PaymentRequest:
    """raises  NotFound, also for another till's"""
    kept = session.get(PaymentRequest, request_id)
    if kept is None or kept.terminal_id != terminal_id:
        raise NotFound
    return kept


def cancel(session: Session, request_id: UUID, *, terminal_id: UUID, now: datetime) -> PaymentRequest:
    """Let nobody pay it any more. Waits for whoever is paying it just now.

    raises  NotFound; PaymentRequestPaid when it is too late
    """
    kept = lock(session, request_id)
    if kept is None or kept.terminal_id != terminal_id:
        raise NotFound
    if kept.state == "paid":
        raise PaymentRequestPaid(payment_id=str(kept.payment_id))
    _cancel(kept, now=now)
    return kept


def cancel_by_reference(session: Session, till: Till, till_reference: str, *, now: datetime) -> None:
    """Let nobody pay what the till asked under this reference, if it asked and nobody has. Waits as `cancel`."""
    kept = lock_by_reference(session, till, till_reference)
    if kept is not None and kept.state == "open":
        _cancel(kept, now=now)


def lock(session: Session, request_id: UUID) -> PaymentRequest | None:
    """A request, with its row locked until the transaction ends: who pays or cancels it goes first through here."""
    return session.scalar(select(PaymentRequest).where(PaymentRequest.id == request_id).with_for_update())


def lock_by_reference(session: Session, till: Till, till_reference: str) -> PaymentRequest | None:
    return session.scalar(_by_reference(till, till_reference).with_for_update())


def check_payable(request: PaymentRequest, *, now: datetime) -> None:
    """raises  PaymentRequestPaid, PaymentRequestCancelled, PaymentRequestExpired (from expires_at on)"""
    refusal = _CLOSED.get(state_of(request, now=now))
    if refusal:
        raise refusal()


def close(request: PaymentRequest, *, payment_id: UUID, tip_minor: int, now: datetime) -> None:
    """Note which payment paid a request whose row is locked."""
    request.state, request.payment_id, request.tip_minor, request.closed_at = "paid", payment_id, tip_minor, now


def state_of(request: PaymentRequest, *, now: datetime) -> str:
    """open, paid, cancelled or expired."""
    return "expired" if request.state == "open" and now >= request.expires_at else request.state


def _cancel(kept: PaymentRequest, *, now: datetime) -> None:
    if kept.state == "open":
        kept.state, kept.closed_at = "cancelled", now


def _by_reference(till: Till, till_reference: str) -> Select[PaymentRequest]:
    return select(PaymentRequest).where(
        PaymentRequest.terminal_id == till.terminal_id, PaymentRequest.till_reference == till_reference
    )


def _is_in_ledger(session: Session, till: Till, till_reference: str) -> bool:
    query = "SELECT 1 FROM wallet.transfer WHERE principal = %s AND key = %s"
    return connection_of(session).execute(query, [till.principal, till_reference]).fetchone() is not None


_CLOSED: dict[str, type[Refusal]] = {
    "paid": PaymentRequestPaid,
    "cancelled": PaymentRequestCancelled,
    "expired": PaymentRequestExpired,
}
