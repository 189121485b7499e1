"""Claw-backs: what the provider gave back to the card is taken from the customer, and given again where we win."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of, transaction
from core.events import Event
from wallet import accounts, ledger
from wallet.errors import PostingRefused
from wallet.ledger import Transfer
from wallet.topups import debts, disputes
from wallet.topups.events import TopupRefunded
from wallet.topups.models import Dispute, Topup
from wallet.topups.outcomes import PRINCIPAL
from wallet.transfers import Leg

KIND_OF_REFUND = "topup.refund"
KIND_OF_DISPUTE = "dispute"

BATCH = 20
#: A frozen account gives nothing, and a closed one takes nothing: both are asked again.
TRY_AGAIN_AFTER = timedelta(hours=1)


def bring_into_line(topup_id: UUID, *, now: datetime) -> None:
    """Take what went back at the provider from the customer, or give again what we won. In transactions of its own.

    Where the ledger cannot, it is due again in an hour.
    effects  locks the top-up, then the customer's accounts; announces topup.refunded
    """
    try:
        with transaction() as session:
            _settle(session, topup_id, now=now)
    except PostingRefused as refusal:
        with transaction() as session:
            topup = session.get_one(Topup, topup_id, with_for_update=True)
            topup.claw_due_at, topup.last_error = now + TRY_AGAIN_AFTER, refusal.code


def bring_due_into_line(now: datetime) -> int:
    """Those that a crash or a frozen account left behind; how many those were."""
    with transaction() as session:
        query = select(Topup.id).where(Topup.claw_due_at <= now, Topup.state == "succeeded")
        due = session.scalars(query.order_by(Topup.claw_due_at).limit(BATCH)).all()
    for topup_id in due:
        bring_into_line(topup_id, now=now)
    return len(due)


def _settle(session: Session, topup_id: UUID, *, now: datetime) -> None:
    topup = session.get_one(Topup, topup_id, with_for_update=True)
    if topup.state != "succeeded" or topup.claw_due_at is None:
        return  # what was not charged cannot be taken back; should it be charged yet, this is due again
    gone = min(topup.told_refunded_minor, topup.amount_minor) - topup.refunded_minor
    quarrels = session.scalars(select(Dispute).where(Dispute.topup_id == topup_id).order_by(Dispute.provider_reference))
    moved = [(each, disputes.at_stake(each) - each.clawed_minor) for each in quarrels]
    amounts = [(None, max(gone, 0)), *moved]
    purse = (topup.customer_id, topup.currency)
    connection = connection_of(session)
    standing = debts.lock(connection, purse) if any(amount for _, amount in amounts) else debts.Standing(0, 0)

    spendable, owed = standing.spendable, standing.owed
    transfers = []
    for dispute, amount in amounts:
        if not amount:
            continue
        legs = (
            debts.debit(purse, amount, spendable=spendable) if amount > 0 else debts.credit(purse, -amount, owed=owed)
        )
        transfers.append(_transfer(topup, dispute, amount, legs, now=now))
        taken = sum(leg.amount for leg in legs if leg.account_id == accounts.of_customer(*purse).id)
        spendable, owed = spendable + taken, owed + amount + taken
        if dispute is not None:
            dispute.clawed_minor += amount
    topup.refunded_minor += amounts[0][1]
    topup.claw_due_at, topup.last_error = None, None
    session.flush()
    ledger.post_all(connection, transfers)


def _transfer(topup: Topup, dispute: Dispute | None, amount: int, legs: Sequence[Leg], *, now: datetime) -> Transfer:
    """amount: taken from the customer; below zero it is given."""
    transfer_id = ids.new()
    details: dict[str, Any] = {
        "topup_id": str(topup.id),
        "customer_id": str(topup.customer_id),
        "amount_minor": abs(amount),
        "currency": topup.currency,
    }
    events: tuple[Event, ...] = ()
    if dispute is None:
        owed = -sum(leg.amount for leg in legs if leg.account_id == accounts.debt(topup.customer_id, topup.currency).id)
        events = (refunded(topup, amount, owed, now=now),)
    else:
        details |= {"dispute": dispute.provider_reference, "is_won": amount < 0}
    return Transfer(
        id=transfer_id,
        principal=PRINCIPAL,
        # What it is for stands on the top-up and its dispute, under their locks: the key has nothing to tell.
        key=f"topup:{topup.id}:{transfer_id}",
        fingerprint=topup.fingerprint,
        kind=KIND_OF_REFUND if dispute is None else KIND_OF_DISPUTE,
        legs=(*legs, accounts.of_provider(topup.currency).leg(amount)),
        effective_at=now,
        details=details,
        events=events,
    )


def refunded(topup: Topup, amount: int, owed: int, *, now: datetime) -> TopupRefunded:
    return TopupRefunded(
        customer_id=topup.customer_id,
        occurred_at=now,
        topup_id=topup.id,
        amount_minor=amount,
        owed_minor=owed,
        currency=topup.currency,
    )
