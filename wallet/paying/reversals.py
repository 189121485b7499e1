"""Reversals: a till takes back a payment whose answer it never heard, whether or not there was one.

Where there was none, a tombstone stands under the till's reference from then on, so that a late original is refused.
Both are posted under one key of the ledger, so one of them is first, whatever the order of their arrival.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.errors import NotFound, Refusal
from core.events import announce
from wallet import holds, ledger, payments, refunds
from wallet.errors import RefundExceedsPayment
from wallet.paying import requests
from wallet.paying.errors import PaymentReversed, ReversalTooLate, TillReferenceReused
from wallet.paying.events import PaymentReversedAtTill
from wallet.paying.tills import Till
from wallet.transfers import Transfer

#: The kind of transfer that places a hold.
HOLD = "hold"

#: As long as a day's tills may be offline before they send what they could not; later a person decides on a refund.
WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """What stands under a till's reference now that it is taken back.

    payment_id    None: there was no payment, and there will be none
    amount_minor  what this gave back: what had not gone back before
    """

    till_reference: str
    payment_id: UUID | None = None
    amount_minor: int | None = None
    currency: str | None = None
    reversed_at: datetime


@dataclass(frozen=True, slots=True)
class _Kept:
    """What stands under a till's reference in the ledger."""

    id: UUID
    kind: str
    effective_at: datetime
    details: Mapping[str, Any]
    refusal: Mapping[str, Any] | None

    @property
    def is_reversed(self) -> bool:
        return self.refusal is not None and self.refusal["code"] == PaymentReversed.code


def reverse(session: Session, till: Till, till_reference: str, *, at: datetime) -> Reversal:
    """Take back what the till may have taken under this reference; again, it is the same answer.

    raises   ReversalTooLate a day after the payment; TillReferenceReused where no payment stands under it
    effects  gives all that has not gone back to its sources, or leaves a tombstone; cancels the payment request of this
             reference; announces payment.reversed, and payment.refunded where something goes back
    """
    requests.cancel_by_reference(session, till, till_reference, now=at)
    connection = connection_of(session)
    kept = _find(connection, till.principal, till_reference)
    if kept is None:
        if _bury(connection, till, till_reference, at=at):
            _announce(session, till, Reversal(till_reference=till_reference, reversed_at=at))
            return Reversal(till_reference=till_reference, reversed_at=at)
        # Read by a statement of its own: it sees the payment that the tombstone has waited for.
        kept = _find(connection, till.principal, till_reference)
    if kept is not None and kept.kind == HOLD:
        return _let_go(session, till, till_reference, kept.id, at=at)
    if kept is None or not (kept.is_reversed or kept.kind == payments.KIND):
        raise TillReferenceReused
    if kept.is_reversed:
        return Reversal(till_reference=till_reference, reversed_at=kept.effective_at)
    return _give_back(session, till, till_reference, kept, at=at)


def payment_of(connection: Connection, till: Till, till_reference: str) -> dict[str, Any]:
    """The payment that stands under a till's reference, as its merchant sees it.

    raises  NotFound where there is none; PaymentReversed where a tombstone stands
    """
    kept = _find(connection, till.principal, till_reference)
    if kept is None or kept.kind != payments.KIND:
        raise NotFound
    if kept.is_reversed:
        raise PaymentReversed
    return payments.find(connection, kept.id, merchant_id=till.merchant_id)


def refusal_of(session: Session, terminal_id: UUID, till_reference: str) -> Refusal | None:
    """Why nothing more can be posted under a till's reference; None while it is free."""
    return refusals(connection_of(session), [(terminal_id, till_reference)]).get((terminal_id, till_reference))


def refusals(connection: Connection, names: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], Refusal]:
    """Those of (terminal, till's reference) under which nothing more can be posted, with why; by one statement.

    PaymentReversed also where there was a payment: who sends it again must not take it for one that stands.
    """
    columns = [[terminal_id for terminal_id, _ in names], [reference for _, reference in names]]
    return {
        (terminal_id, reference): PaymentReversed() if code == PaymentReversed.code else TillReferenceReused()
        for terminal_id, reference, code in connection.execute(_TAKEN, columns).fetchall()
    }


def _bury(connection: Connection, till: Till, till_reference: str, *, at: datetime) -> bool:
    """Leave a tombstone; False where a payment was first, for whose end this waits."""
    tombstone = Transfer(
        id=ids.new(),
        principal=till.principal,
        key=till_reference,
        fingerprint=hashlib.sha256(b"reversal").digest(),
        kind=payments.KIND,
        legs=(),
        effective_at=at,
        details={"merchant_id": str(till.merchant_id), "terminal_id": str(till.terminal_id)},
    )
    return ledger.decline(connection, tombstone, PaymentReversed())


def _give_back(session: Session, till: Till, till_reference: str, kept: _Kept, *, at: datetime) -> Reversal:
    connection = connection_of(session)
    named: dict[str, Any] = {
        "principal": f"reversal:{till.terminal_id}",
        "key": till_reference,
        "fingerprint": hashlib.sha256(kept.id.bytes).digest(),
    }
    try:
        done = ledger.find(connection, **named)
        until = kept.effective_at + WINDOW
        if done is None and at >= until:
            raise ReversalTooLate(reversible_until=until.isoformat())
        # Refunds lock the payment's parts first, and look for themselves after that: so of twins one gives back.
        refund = done or refunds.refund(
            session,
            **named,
            payment_id=kept.id,
            merchant_id=till.merchant_id,
            amount_minor=None,
            reference=till_reference,
            at=at,
        )
    except (RefundExceedsPayment, PaymentReversed):
        # All of it had gone back before: noted all the same, so that who sends it again does not take it for standing.
        nothing = Transfer(id=ids.new(), **named, kind=refunds.KIND, legs=(), effective_at=at)
        ledger.decline(connection, nothing, PaymentReversed())
        return _reversal(till_reference, kept, 0, _last_refund_at(connection, kept))
    reversal = _reversal(till_reference, kept, refund.details["amount_minor"], refund.effective_at)
    if not refund.replayed:
        _announce(session, till, reversal, customer_id=UUID(kept.details["customer_id"]))
    return reversal


def _let_go(session: Session, till: Till, till_reference: str, hold_id: UUID, *, at: datetime) -> Reversal:
    """Void a hold, unless it ended before or something of it has been captured, which the till then knew of."""
    hold = holds.locked(session, hold_id)
    if hold.captured:
        raise TillReferenceReused("Something of this hold has been captured: void the rest, refund what was captured")
    if hold.ended_at is None and at < hold.expires_at:
        named: dict[str, Any] = {"principal": f"reversal:{till.terminal_id}", "key": till_reference}
        holds.void(session, hold_id, **named, fingerprint=hashlib.sha256(hold_id.bytes).digest(), at=at)
        _announce(session, till, Reversal(till_reference=till_reference, reversed_at=at), customer_id=hold.customer_id)
    # One whose time has passed is the customer's again, whether or not due work has noted it yet.
    return Reversal(till_reference=till_reference, reversed_at=min(hold.ended_at or hold.expires_at, hold.expires_at))


def _reversal(till_reference: str, kept: _Kept, amount_minor: int, reversed_at: datetime) -> Reversal:
    return Reversal(
        till_reference=till_reference,
        payment_id=kept.id,
        amount_minor=amount_minor,
        currency=kept.details["currency"],
        reversed_at=reversed_at,
    )


def _announce(session: Session, till: Till, reversal: Reversal, *, customer_id: UUID | None = None) -> None:
    announce(
        session,
        PaymentReversedAtTill(
            customer_id=customer_id,
            occurred_at=reversal.reversed_at,
            merchant_id=till.merchant_id,
            store_id=till.store_id,
            terminal_id=till.terminal_id,
            payment_id=reversal.payment_id,
            amount_minor=reversal.amount_minor,
            currency=reversal.currency,
        ),
    )


def _find(connection: Connection, principal: str, till_reference: str) -> _Kept | None:
    row = connection.execute(_FIND, [principal, till_reference]).fetchone()
    return _Kept(*row) if row else None


def _last_refund_at(connection: Connection, kept: _Kept) -> datetime:
    query = "SELECT max(effective_at) FROM wallet.transfer WHERE parent_id = %s"
    row = connection.execute(query, [kept.id]).fetchone()
    return row[0] if row and row[0] else kept.effective_at


_FIND = "SELECT id, kind, effective_at, details, refusal FROM wallet.transfer WHERE principal = %s AND key = %s"

_TAKEN = """
    SELECT n.terminal_id, n.key,
           coalesce(t.refusal ->> 'code', (SELECT 'payment_reversed' FROM wallet.transfer r
                                            WHERE r.principal = 'reversal:' || n.terminal_id AND r.key = n.key))
      FROM unnest(%s::uuid[], %s::text[]) AS n (terminal_id, key)
      JOIN wallet.transfer t ON t.principal = 'till:' || n.terminal_id AND t.key = n.key
"""
