"""A till holds a customer's value before it knows the amount (a table, a pump, a deposit), and takes it later."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.errors import Busy, NotFound
from core.idempotency import KeyReused
from wallet import accounts, holds, ledger, standing
from wallet.errors import InsufficientFunds
from wallet.holds import Placing
from wallet.holds.models import RESERVATION, Hold
from wallet.models import TransferRow
from wallet.paying import preferences, purses, requests, reversals
from wallet.paying.errors import PaymentReversed, TillReferenceReused
from wallet.paying.events import HoldPlaced, HoldVoided
from wallet.paying.splits import Kind, in_order
from wallet.paying.tills import Till, told_to_tills
from wallet.transfers import Limit, Posted

_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TillHold:
    """What a till holds. order: of kinds of source; None: the customer's. Points cannot be held: they have no price
    until they are spent."""

    till: Till
    customer_id: UUID
    amount_minor: int
    currency: str
    till_reference: str
    expires_at: datetime
    order: Sequence[Kind] | None = None
    at: datetime

    @property
    def fingerprint(self) -> bytes:
        order = list(self.order) if self.order is not None else None
        asked = ["hold", str(self.customer_id), self.amount_minor, self.currency, order]
        return hashlib.sha256(json.dumps(asked).encode()).digest()


def place(session: Session, asked: TillHold) -> Posted:
    """Hold value, each till's reference once; the transfer's id is the hold's.

    raises   InsufficientFunds, AccountClosed, AccountFrozen, CurrencyUnknown, LimitExceeded; TillReferenceReused;
             PaymentReversed; Busy
    effects  announces hold.placed
    """
    if requests.lock_by_reference(session, asked.till, asked.till_reference) is not None:
        raise TillReferenceReused
    kinds = asked.order or preferences.of_customer(session, asked.customer_id)
    for _ in range(_TRIES):
        try:
            with session.begin_nested(), told_to_tills():
                posted = _find(connection_of(session), asked) or holds.place(
                    session, _placing(session, asked, [kind for kind in kinds if kind != "points"])
                )
                break
        except KeyReused:
            refusal = reversals.refusal_of(session, asked.till.terminal_id, asked.till_reference)
            raise refusal or TillReferenceReused() from None
        except _NotCovered:
            cash = accounts.of_customer(asked.customer_id, asked.currency)
            raise standing.shortfall(connection_of(session), cash) from None
        except InsufficientFunds:
            continue  # others took it since it was read
    else:
        raise Busy
    if posted.replayed:
        refusal = reversals.refusal_of(session, asked.till.terminal_id, asked.till_reference)
        if isinstance(refusal, PaymentReversed):
            raise refusal
    return posted


def void(
    session: Session, hold_id: UUID, *, till: Till, principal: str, key: str, fingerprint: bytes, at: datetime
) -> Hold:
    """Give back what a hold still promises.

    raises   NotFound, also for another merchant's; HoldExpired; HoldEnded
    effects  announces hold.voided
    """
    hold = locked(session, hold_id, till)
    voided = HoldVoided(
        customer_id=hold.customer_id,
        occurred_at=at,
        hold_id=hold_id,
        merchant_id=till.merchant_id,
        amount_minor=hold.left,
        currency=hold.currency,
    )
    holds.void(session, hold_id, principal=principal, key=key, fingerprint=fingerprint, at=at, events=(voided,))
    return hold


def of_merchant(session: Session, hold_id: UUID, merchant_id: UUID) -> tuple[Hold, str]:
    """A hold and the till's reference of it.

    raises  NotFound, also for another merchant's
    """
    hold = session.get(Hold, hold_id)
    if hold is None or hold.merchant_id != merchant_id:
        raise NotFound
    return hold, reference_of(session, hold_id)


def of_customer(
    session: Session, customer_id: UUID, *, before: UUID | None, limit: int
) -> list[tuple[Hold, str | None]]:
    """A customer's holds, the latest first, each with the reference that it was given."""
    query = (
        select(Hold, TransferRow.details["reference"].astext)
        .join(TransferRow, TransferRow.id == Hold.id)
        .where(Hold.customer_id == customer_id, Hold.kind != RESERVATION)
        .order_by(Hold.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Hold.id < before)
    return [(hold, reference) for hold, reference in session.execute(query)]


def state_of(hold: Hold, *, now: datetime) -> str:
    """open, captured, voided or expired."""
    if hold.ended_by is not None:
        return hold.ended_by
    return "expired" if now >= hold.expires_at else "open"


def _find(connection: Connection, asked: TillHold) -> Posted | None:
    """The hold that was placed before. Looked for first: it stands, whatever has become of the wallet since."""
    return ledger.find(
        connection, principal=asked.till.principal, key=asked.till_reference, fingerprint=asked.fingerprint
    )


class _NotCovered(Exception):
    """The customer has less than the amount in these sources."""


def _placing(session: Session, asked: TillHold, kinds: Sequence[Kind]) -> Placing:
    connection = connection_of(session)
    sources, left = [], asked.amount_minor
    for purse in purses.of_customer(connection, asked.customer_id, asked.currency, in_order(kinds), at=asked.at):
        units, _ = purse.gives(left)
        if units:
            sources.append((purse.account, units))
            left -= units
    if left and not _is_placed(connection, asked):
        raise _NotCovered
    cash = sum([amount for account, amount in sources if account.purpose == "cash"])
    limit = Limit(customer_id=asked.customer_id, scope="pay", asset=asked.currency, amount=cash)
    hold_id = ids.new()
    placed = HoldPlaced(
        customer_id=asked.customer_id,
        occurred_at=asked.at,
        hold_id=hold_id,
        merchant_id=asked.till.merchant_id,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        expires_at=asked.expires_at,
    )
    return Placing(
        id=hold_id,
        principal=asked.till.principal,
        key=asked.till_reference,
        fingerprint=asked.fingerprint,
        kind="payment",
        customer_id=asked.customer_id,
        merchant_id=asked.till.merchant_id,
        sources=sources,
        currency=asked.currency,
        expires_at=asked.expires_at,
        at=asked.at,
        details={**named(asked.till), "reference": asked.till_reference},
        events=(placed,),
        limits=(limit,) if cash else (),
    )


def _is_placed(connection: Connection, asked: TillHold) -> bool:
    """Whether the value is not there because this very hold has taken it."""
    query = "SELECT 1 FROM wallet.transfer WHERE principal = %s AND key = %s"
    return connection.execute(query, [asked.till.principal, asked.till_reference]).fetchone() is not None


def named(till: Till) -> dict[str, Any]:
    """A till as transfers' details name it."""
    return {
        "merchant_id": str(till.merchant_id),
        "store_id": str(till.store_id),
        "terminal_id": str(till.terminal_id),
    }


def locked(session: Session, hold_id: UUID, till: Till) -> Hold:
    """raises  NotFound, also for another merchant's"""
    hold = holds.locked(session, hold_id)
    if hold.merchant_id != till.merchant_id:
        raise NotFound
    return hold


def reference_of(session: Session, hold_id: UUID) -> str:
    query = select(TransferRow.details["reference"].astext).where(TransferRow.id == hold_id)
    return str(session.scalars(query).one())
