"""Top-ups that staff give back: taken from the customer first, so that it is not spent meanwhile, then given back by
the provider, who does so once a reference; what it declines the customer gets again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from core import audit, ids, work
from core.db import connection_of, transaction
from core.errors import NotFound, Refusal
from core.gateways.payments import Declined, PaymentGateway, Refunded, RefundOutcome
from wallet import accounts, ledger
from wallet.errors import PostingRefused
from wallet.ledger import Transfer
from wallet.topups import clawbacks, keys, outcomes
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
    ledger.post(connection, _transfer(topup, refund, amount, principal=principal, key=key, at=now, print_=fingerprint))
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
    match outcome:
        case Refunded(reference):
            refund.state, refund.provider_reference = "succeeded", reference
        case Declined(code):
            refund.state, refund.decline_code = "failed", code
            topup.refunded_minor -= refund.amount_minor
            # What the provider told meanwhile may have been passed over on account of this one.
            topup.claw_due_at = now
            session.flush()
            back = _transfer(
                topup, refund, -refund.amount_minor, principal=outcomes.PRINCIPAL, key=f"topup.refund:{refund.id}",
                at=now, print_=topup.fingerprint,
            )  # fmt: skip
            ledger.post(connection_of(session), back)
        case unknown:
            refund.state, refund.last_error = "in_doubt", unknown.reason
            refund.due_at = now + timedelta(seconds=min(15 * 2 ** min(refund.attempts - 1, 10), 3600))


def _transfer(
    topup: Topup, refund: TopupRefund, amount: int, *, principal: str, key: str, at: datetime, print_: bytes
) -> Transfer:
    """amount: from the customer to the provider; below zero the other way."""
    return Transfer(
        id=refund.id if amount > 0 else ids.new(),
        principal=principal,
        key=key,
        fingerprint=print_,
        kind=clawbacks.KIND_OF_REFUND,
        legs=(
            accounts.of_customer(topup.customer_id, topup.currency).leg(-amount),
            accounts.of_provider(topup.currency).leg(amount),
        ),
        effective_at=at,
        details={
            "topup_id": str(topup.id),
            "customer_id": str(topup.customer_id),
            "amount_minor": abs(amount),
            "currency": topup.currency,
            "refund_id": str(refund.id),
        },
        events=(clawbacks.refunded(topup, amount, 0, now=at),) if amount > 0 else (),
    )
