"""Placing a hold: what each source promises, a lot at a time where it has lots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.events import Event
from wallet import ledger, lots
from wallet.accounts import Opening
from wallet.transfers import HoldMove, Limit, Posted, Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """kind     what for: "payment" or "sending"
    sources  what each account promises, of one currency; they are captured in this order
    limits   what it counts against: as a whole when it is placed, and not again when it is captured
    """

    principal: str
    key: str
    fingerprint: bytes
    kind: str
    customer_id: UUID
    merchant_id: UUID | None = None
    sources: Sequence[tuple[Opening, int]]
    currency: str
    expires_at: datetime
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()
    limits: Sequence[Limit] = ()
    id: UUID = field(default_factory=ids.new)


def place(session: Session, placing: Placing) -> Posted:
    """Promise value. The transfer's id is the hold's.

    raises   InsufficientFunds, AccountFrozen, LimitExceeded; KeyReused; the refusal frozen under the key
    effects  posts, so nothing else of this transaction may
    """
    connection = connection_of(session)
    done = ledger.find(connection, principal=placing.principal, key=placing.key, fingerprint=placing.fingerprint)
    if done is not None:
        return done

    moves = _promises(connection, placing)
    amount = sum([amount for _, amount in placing.sources])
    connection.execute(
        _INSERT,
        [placing.id, placing.kind, placing.customer_id, placing.merchant_id, placing.currency, amount,
         placing.expires_at, placing.at],
    )  # fmt: skip
    money = {"amount_minor": amount, "currency": placing.currency, "customer_id": str(placing.customer_id)}
    posted = ledger.post(
        connection,
        Transfer(
            id=placing.id,
            principal=placing.principal,
            key=placing.key,
            fingerprint=placing.fingerprint,
            kind="hold",
            legs=(),
            effective_at=placing.at,
            details={**money, **placing.details},
            events=placing.events,
            holds=moves,
            limits=placing.limits,
            hold_id=placing.id,
        ),
    )
    if posted.replayed:  # a twin was first: this row belongs to nothing
        connection.execute("DELETE FROM wallet.hold WHERE id = %s", [placing.id])
    return posted


def _promises(connection: Connection, placing: Placing) -> list[HoldMove]:
    """A part for each source, or for each of its lots."""
    promised: list[tuple[UUID, UUID | None, int]] = []
    for account, amount in placing.sources:
        if account.has_lots:
            chosen = lots.choose(connection, account.id, amount, at=placing.at)
            promised += [(account.id, lot.id, part) for lot, part in chosen]
        else:
            promised.append((account.id, None, amount))
    return [
        HoldMove(hold_id=placing.id, place=place, account_id=account_id, lot_id=lot_id, held=amount)
        for place, (account_id, lot_id, amount) in enumerate(promised, 1)
    ]


_INSERT = """
    INSERT INTO wallet.hold (id, kind, customer_id, merchant_id, currency, amount, expires_at, created_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
