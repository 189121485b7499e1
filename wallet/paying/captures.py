"""Captures: a till takes some or all of what it holds."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from wallet import accounts, holds, payments
from wallet.events import PaymentCompleted
from wallet.holds import Capturing
from wallet.paying import till_holds
from wallet.paying.tills import Till
from wallet.transfers import Posted


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """What a till takes of a hold.

    amount_minor  None: all that is left
    is_final      what is left afterwards is the customer's again
    tip_minor     how much of the amount is a tip
    """

    principal: str
    key: str
    fingerprint: bytes
    till: Till
    amount_minor: int | None = None
    tip_minor: int = 0
    is_final: bool = False
    at: datetime


def capture(session: Session, hold_id: UUID, caught: Caught) -> Posted:
    """Take some of what a hold promises; each capture is a payment of its own, which can be refunded.

    raises   NotFound, also for another merchant's; HoldExpired; HoldEnded; CaptureExceedsHold; KeyReused
    effects  announces payment.completed
    """
    hold = till_holds.locked(session, hold_id, caught.till)
    payable = accounts.of_merchant(caught.till.merchant_id, hold.currency)
    accounts.open_all(session, [payable])
    amount_minor = hold.left if caught.amount_minor is None else caught.amount_minor
    capturing = Capturing(
        principal=caught.principal,
        key=caught.key,
        fingerprint=caught.fingerprint,
        kind=payments.KIND,
        amount=amount_minor,
        is_final=caught.is_final,
        to=payable,
        at=caught.at,
        details={
            **till_holds.named(caught.till),
            "reference": till_holds.reference_of(session, hold_id),
            **({"tip_minor": caught.tip_minor} if caught.tip_minor else {}),
            "parts": _parts(connection_of(session), hold_id, amount_minor),
        },
    )
    completed = PaymentCompleted(
        customer_id=hold.customer_id,
        occurred_at=caught.at,
        payment_id=capturing.id,
        merchant_id=caught.till.merchant_id,
        store_id=caught.till.store_id,
        terminal_id=caught.till.terminal_id,
        amount_minor=amount_minor,
        currency=hold.currency,
    )
    return holds.capture(session, hold_id, replace(capturing, events=(completed,)))


def _parts(connection: Connection, hold_id: UUID, amount_minor: int) -> list[dict[str, Any]]:
    """What each source gives to a capture, as it is shown: they are captured in the order in which they promised."""
    found: dict[UUID, dict[str, Any]] = {}
    for account_id, owner, purpose, left in connection.execute(_PROMISED, [hold_id]):
        gives = min(left, amount_minor)
        amount_minor -= gives
        if gives:
            part = found.setdefault(
                account_id, {"kind": "gift_card" if purpose == "gift" else purpose, "amount_minor": 0}
            )
            part["amount_minor"] += gives
            if purpose == "gift":
                part["voucher_id"] = owner.removeprefix("voucher:")
    return list(found.values())


_PROMISED = """
    SELECT p.account_id, a.owner, a.purpose, p.amount - p.captured - p.released
      FROM wallet.hold_part p JOIN wallet.account a ON a.id = p.account_id
     WHERE p.hold_id = %s ORDER BY p.place
"""
