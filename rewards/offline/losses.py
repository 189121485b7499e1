"""Losses: what the brand pays a merchant for a record that does not hold and was none of the till's fault.

It comes out of an account of the brand's own. A record that nothing else pays stands there under the till's reference,
as whatever a till takes does, so that nothing else can; beside a redemption the loss has a name of its own.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import ids
from core.db import Connection
from wallet import accounts, ledger, refunds
from wallet.paying.tills import Till
from wallet.transfers import Transfer

KIND = "offline_loss"
PURPOSE = "offline_losses"


@dataclass(frozen=True, slots=True)
class Loss:
    """A synced record that a till takes back, under its lock. lost_minor: what of it the brand paid for nothing"""

    id: UUID
    merchant_id: UUID
    terminal_id: UUID
    till_reference: str
    currency: str
    redemption_id: UUID | None
    loss_id: UUID | None
    lost_minor: int
    accepted_at: datetime
    reversed_at: datetime | None


def post(
    connection: Connection,
    till: Till,
    *,
    till_reference: str,
    voucher_id: UUID,
    amount_minor: int,
    currency: str,
    is_alone: bool,
    at: datetime,
) -> UUID:
    """Pay a merchant what a record is short of. is_alone: no redemption stands under the till's reference

    raises  KeyReused where another deed of the till stands there
    """
    transfer = Transfer(
        id=ids.new(),
        principal=till.principal if is_alone else f"offline:{till.terminal_id}",
        key=till_reference,
        fingerprint=hashlib.sha256(voucher_id.bytes).digest(),
        kind=KIND,
        legs=(
            accounts.of_brand(PURPOSE, currency).leg(-amount_minor),
            accounts.of_merchant(till.merchant_id, currency).leg(amount_minor),
        ),
        effective_at=at,
        details={
            "merchant_id": str(till.merchant_id),
            "store_id": str(till.store_id),
            "terminal_id": str(till.terminal_id),
            "voucher_id": str(voucher_id),
            "reference": till_reference,
            "amount_minor": amount_minor,
            "currency": currency,
        },
    )
    accounts.open_all(
        connection, [accounts.of_brand(PURPOSE, currency), accounts.of_merchant(till.merchant_id, currency)]
    )
    return ledger.post(connection, transfer).transfer_id


def by_reference(connection: Connection, terminal_id: UUID, till_reference: str) -> Loss | None:
    """A record that the brand alone has paid, locked."""
    query = (
        f"{_SELECT} WHERE terminal_id = %s AND till_reference = %s AND redemption_id IS NULL AND loss_id IS NOT NULL"
    )
    row = connection.execute(f"{query} FOR NO KEY UPDATE", [terminal_id, till_reference]).fetchone()
    return Loss(*row) if row else None


def by_redemption(connection: Connection, redemption_id: UUID) -> Loss | None:
    """The record that a redemption was made for, locked."""
    row = connection.execute(f"{_SELECT} WHERE redemption_id = %s FOR NO KEY UPDATE", [redemption_id]).fetchone()
    return Loss(*row) if row else None


def take_back(connection: Connection, loss: Loss, *, at: datetime) -> int:
    """Give the brand back what it paid for a record, once; how much that was.

    effects  the record is reversed from now on
    """
    if loss.reversed_at is not None:
        return 0
    query = "UPDATE rewards.offline_redemption SET state = 'reversed', reversed_at = %s WHERE id = %s"
    connection.execute(query, [at, loss.id])
    if loss.loss_id is None:
        return 0
    is_alone = loss.redemption_id is None
    ledger.post(
        connection,
        Transfer(
            id=ids.new(),
            principal=f"{'reversal' if is_alone else 'offline-reversal'}:{loss.terminal_id}",
            key=loss.till_reference,
            fingerprint=hashlib.sha256(loss.loss_id.bytes).digest(),
            kind=refunds.KIND,
            legs=(
                accounts.of_merchant(loss.merchant_id, loss.currency).leg(-loss.lost_minor),
                accounts.of_brand(PURPOSE, loss.currency).leg(loss.lost_minor),
            ),
            effective_at=at,
            parent_id=loss.loss_id,
            details={
                "merchant_id": str(loss.merchant_id),
                "amount_minor": loss.lost_minor,
                "currency": loss.currency,
            },
        ),
    )
    return loss.lost_minor


_SELECT = """
    SELECT id, merchant_id, terminal_id, till_reference, currency, redemption_id, loss_id, lost_minor, accepted_at,
           reversed_at
      FROM rewards.offline_redemption
"""
