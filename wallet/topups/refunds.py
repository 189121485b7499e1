"""Top-ups that staff give back: taken from the customer first, so that it is not spent meanwhile, then given back by
the provider, who does so once a reference; what it declines the customer gets again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import audit, idempotency, ids, work
from core.db import connection_of, transaction
from core.errors import NotFound, Refusal
from core.gateways.payments import Declined, Notice, PaymentGateway, Refunded, RefundOutcome
from wallet import accounts, ledger
from wallet.errors import PostingRefused
from wallet.ledger import Transfer
from wallet.topups import clawbacks, debts, keys, outcomes
from wallet.topups.errors import TopupNotCharged, TopupRefundExceeded
from wallet.topups.models import Topup, TopupRefund

BATCH = 16
#: Three times the 20 s that a call may take (core.gateways.http).
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Given:
    """A refund as it stands; `replayed` when an earlier request under the same key made it."""

    refund: TopupRefund
    currency: str
    replayed: bool


def give(
    topup_id: UUID,
    *,
    amount_minor: int | None,
    principal: str,
    key: str,
    fingerprint: bytes,
    gateway: PaymentGateway,
    now: datetime,
) -> Given:
    """Give a top-up back to the card, whole or in part. Opens transactions of its own.

    units    amount_minor: None for all that is left
    raises   NotFound; TopupNotCharged; TopupRefundExceeded; InsufficientFunds where the customer has spent it (a
             goodwill makes nobody a debtor); KeyReused
    effects  audited; announces topup.refunded
    """
    token, named = uuid4(), (topup_id, principal, key, fingerprint)
    try:
        with transaction() as session:
            refund, replayed = _take(session, named, amount_minor, now=now, token=token)
            topup = session.get_one(Topup, refund.topup_id)
    except Refusal as refusal:
        if refusal.is_final and not refusal.is_replayed:
            with transaction() as session:
                keys.freeze(connection_of(session), named, refusal, now=now)
        raise

    if refund.lease_token == token:
        _ask(refund, topup, token, gateway=gateway, now=now)
        with transaction() as session:
            refund = session.get_one(TopupRefund, refund.id)
    return Given(refund, topup.currency, replayed)


def finish_due(gateway: PaymentGateway, now: datetime) -> int:
    """Ask the provider again about refunds that are not decided; how many those were."""
    token = uuid4()
    with transaction() as session:
        due = work.lock_due(session, TopupRefund, states=["pending", "in_doubt"], limit=BATCH, now=now)
        asked = []
        for refund in due:
            # Asked later, the provider might have forgotten the reference and give it back twice.
            if now >= refund.created_at + outcomes.ASK_AGAIN_FOR:
                refund.state, refund.due_at, refund.lease_token, refund.lease_until = "in_doubt", None, None, None
            else:
                refund.lease_token, refund.lease_until, refund.due_at = token, now + LEASE, now + LEASE
                refund.attempts += 1
                asked.append((refund, session.get_one(Topup, refund.topup_id)))

    for refund, topup in asked:
        with transaction() as session:
            is_ours = work.still_holds(session, TopupRefund, refund.id, token, now=now)
        if is_ours:
            _ask(refund, topup, token, gateway=gateway, now=now)
    return len(due)


def fail_late(session: Session, topup: Topup, notice: Notice, *, refund_id: UUID | None, now: datetime) -> None:
    """The provider could not give back after all, as banks tell days later: the customer gets it again.

    refund_id  of one that we asked for
    raises   PostingRefused
    effects  the top-up is locked already; pays what the customer owes first
    """
    asked_for = session.get(TopupRefund, refund_id, with_for_update=True) if refund_id else None
    refund = asked_for if asked_for is not None and asked_for.topup_id == topup.id else None
    if refund is not None and refund.state == "failed":
        return
    staffs = select(func.coalesce(func.sum(TopupRefund.amount_minor), 0)).where(
        TopupRefund.topup_id == topup.id, TopupRefund.state != "failed"
    )
    clawed = topup.refunded_minor - session.scalars(staffs).one()
    amount = refund.amount_minor if refund is not None else min(notice.amount_minor, clawed)

    topup.told_refunded_minor = max(topup.told_refunded_minor - notice.amount_minor, 0)
    if amount > 0:
        fail(session, topup, amount, refund=refund, code=notice.code or "refund_failed", now=now)


def fail(session: Session, topup: Topup, amount: int, *, refund: TopupRefund | None, code: str, now: datetime) -> None:
    """Put on the customer's account again what was taken from it for a refund that came to nothing.

    raises   PostingRefused
    effects  the top-up and the refund are locked already; pays what the customer owes first
    """
    if refund is not None:
        refund.state, refund.decline_code, refund.due_at = "failed", code, None
        refund.lease_token, refund.lease_until = None, None
    topup.refunded_minor -= amount
    session.flush()
    connection, purse, transfer_id = connection_of(session), (topup.customer_id, topup.currency), ids.new()
    owed = debts.owed_by(connection, [purse]).get(purse, 0)
    again = Transfer(
        id=transfer_id,
        principal=outcomes.PRINCIPAL,
        key=f"topup.refund:{transfer_id}",
        fingerprint=topup.fingerprint,
        kind=clawbacks.KIND_OF_REFUND,
        legs=(accounts.of_provider(topup.currency).leg(-amount), *debts.credit(purse, amount, owed=owed)),
        effective_at=now,
        details=_details(topup, amount, refund),
    )
    ledger.post(connection, again)


def _take(
    session: Session, named: keys.Named, amount_minor: int | None, *, now: datetime, token: UUID
) -> tuple[TopupRefund, bool]:
    topup_id, principal, key, fingerprint = named
    topup = session.get(Topup, topup_id, with_for_update=True)
    if topup is None:
        raise NotFound
    connection = connection_of(session)
    done = ledger.find(connection, principal=principal, key=key, fingerprint=fingerprint)
    if done is not None:
        return session.get_one(TopupRefund, done.transfer_id), True
    idempotency.claim(session, principal=principal, key=key, fingerprint=fingerprint, now=now)
    if topup.state != "succeeded":
        raise TopupNotCharged
    # What went back at the provider without us is not ours to give, even before it is taken from the customer.
    left = topup.amount_minor - max(topup.refunded_minor, topup.told_refunded_minor)
    amount = left if amount_minor is None else amount_minor
    if not 0 < amount <= left:
        raise TopupRefundExceeded(refundable_minor=max(left, 0))

    refund = TopupRefund(
        id=ids.new(), topup_id=topup_id, amount_minor=amount, actor=principal, created_at=now, state="pending",
        due_at=now + LEASE, attempts=1, lease_until=now + LEASE, lease_token=token,
    )  # fmt: skip
    topup.refunded_minor += amount
    session.add(refund)
    audit.record(
        session,
        actor=principal,
        action="topup.refund",
        target=f"topup:{topup_id}",
        change={"amount_minor": amount, "refund_id": str(refund.id)},
        now=now,
    )
    session.flush()
    ledger.post(connection, _transfer(topup, refund, named=named, at=now))
    return refund, False


def _ask(refund: TopupRefund, topup: Topup, token: UUID, *, gateway: PaymentGateway, now: datetime) -> None:
    outcome = gateway.refund(
        reference=str(refund.id),
        provider_reference=topup.provider_reference or "",
        amount_minor=refund.amount_minor,
        currency=topup.currency,
    )
    try:
        with transaction() as session:
            _record(session, refund.id, topup.id, outcome, token, now=now)
    except PostingRefused as refusal:
        # The provider declined, and the customer's account was closed since: an operator has to find them.
        with transaction() as session:
            work.settle(session, TopupRefund, refund.id, token, state="in_doubt", due_at=None, last_error=refusal.code)


def _record(
    session: Session, refund_id: UUID, topup_id: UUID, outcome: RefundOutcome, token: UUID, *, now: datetime
) -> None:
    topup = session.get_one(Topup, topup_id, with_for_update=True)
    refund = session.get_one(TopupRefund, refund_id, with_for_update=True)
    if refund.lease_token != token:
        return
    refund.lease_token, refund.lease_until, refund.due_at, refund.last_error = None, None, None, None
    match outcomes.believed(outcome, attempts=refund.attempts):
        case Refunded(reference):
            refund.state, refund.provider_reference = "succeeded", reference
        case Declined(code):
            # What the provider told meanwhile may have been passed over on account of this one.
            topup.claw_due_at = now
            fail(session, topup, refund.amount_minor, refund=refund, code=code, now=now)
        case unknown:
            refund.state, refund.last_error = "in_doubt", unknown.reason
            refund.due_at = now + timedelta(seconds=min(15 * 2 ** min(refund.attempts - 1, 10), 3600))


def _transfer(topup: Topup, refund: TopupRefund, *, named: keys.Named, at: datetime) -> Transfer:
    _, principal, key, fingerprint = named
    return Transfer(
        id=refund.id,
        principal=principal,
        key=key,
        fingerprint=fingerprint,
        kind=clawbacks.KIND_OF_REFUND,
        legs=(
            accounts.of_customer(topup.customer_id, topup.currency).leg(-refund.amount_minor),
            accounts.of_provider(topup.currency).leg(refund.amount_minor),
        ),
        effective_at=at,
        details=_details(topup, refund.amount_minor, refund),
        events=(clawbacks.refunded(topup, refund.amount_minor, 0, now=at),),
    )


def _details(topup: Topup, amount: int, refund: TopupRefund | None) -> dict[str, Any]:
    told = {
        "topup_id": str(topup.id),
        "customer_id": str(topup.customer_id),
        "amount_minor": amount,
        "currency": topup.currency,
    }
    return told | ({"refund_id": str(refund.id)} if refund is not None else {})
