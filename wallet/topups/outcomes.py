"""What became of top-ups: recorded, posted and announced in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.events import announce_all
from core.gateways.outcomes import Unknown
from core.gateways.payments import ActionNeeded, Charged, ChargeOutcome, Declined, RefundOutcome, Underway
from wallet import accounts, ledger
from wallet.ledger import Leg, Transfer
from wallet.topups import counting, debts
from wallet.topups.events import TopupCompleted, TopupFailed
from wallet.topups.models import Topup

KIND = "topup"
PRINCIPAL = "wallet"

#: Providers forget references after a day (Stripe: "at least 24 hours"), and would charge anew.
ASK_AGAIN_FOR = timedelta(hours=20)
#: One that the provider has named is looked up, which charges nothing; a bank's debit may take two weeks.
LOOK_UP_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Unpostable:
    """The provider has the money, and the ledger cannot take it: a closed account."""

    provider_reference: str
    reason: str


Recorded = ChargeOutcome | Unpostable

Outcome = TypeVar("Outcome", Recorded, RefundOutcome)

#: What gateways decline with while their own key is missing or wrong.
NOT_CONFIGURED = "provider_not_configured"


def record(session: Session, asked: Sequence[tuple[Topup, Recorded]], token: UUID, *, now: datetime) -> None:
    """Settle those that are still leased to us, post what was charged, announce both endings.

    raises  PostingRefused when the ledger cannot take one of them
    """
    connection = connection_of(session)
    columns = _columns(asked, now=now)
    ours = {row[0]: row[1:] for row in connection.execute(_SETTLE, [*columns, token]).fetchall()}
    settled = [topup for topup, _ in asked if topup.id in ours]

    fail(session, [(topup, ours[topup.id][1]) for topup in settled if ours[topup.id][0] == "failed"], now=now)
    post(session, [topup for topup in settled if ours[topup.id][0] == "succeeded"], now=now)


def post(session: Session, charged: Sequence[Topup], *, now: datetime) -> None:
    """Put what was charged on the customers' accounts: what they owe is paid first.

    raises   PostingRefused
    effects  announces topup.completed; locks the accounts of those who owe
    """
    if not charged:
        return
    connection = connection_of(session)
    owed = debts.owed_by(connection, {(topup.customer_id, topup.currency) for topup in charged})
    transfers = []
    left = dict(owed)
    for topup in charged:
        purse = (topup.customer_id, topup.currency)
        legs = debts.credit(purse, topup.amount_minor, owed=left.get(purse, 0))
        left[purse] = max(left.get(purse, 0) - topup.amount_minor, 0)
        transfers.append(_transfer(topup, legs, now=now))
    ledger.post_all(connection, transfers)


def fail(session: Session, failed: Sequence[tuple[Topup, str]], *, now: datetime) -> None:
    """What was not charged counts against no limit any more.

    effects  announces topup.failed
    """
    for topup, _ in sorted(failed, key=lambda each: each[0].customer_id):
        counting.uncount(connection_of(session), topup)
    events = [
        TopupFailed(
            customer_id=topup.customer_id,
            occurred_at=now,
            topup_id=topup.id,
            amount_minor=topup.amount_minor,
            currency=topup.currency,
            reason=reason,
        )
        for topup, reason in failed
    ]
    announce_all(session, events)


def believed(outcome: Outcome, *, attempts: int) -> Outcome | Unknown:
    """The outcome; but a key that the provider refuses says nothing of the askings before, which it may have done."""
    if attempts > 1 and isinstance(outcome, Declined) and outcome.code == NOT_CONFIGURED:
        return Unknown(reason=NOT_CONFIGURED)
    return outcome


def may_be_forgotten(topup: Topup, *, at: datetime) -> bool:
    """Whether the provider, asked then, might charge anew under the same reference, or knows no more than before."""
    return at >= topup.created_at + (LOOK_UP_FOR if topup.provider_reference else ASK_AGAIN_FOR)


def _columns(asked: Sequence[tuple[Topup, Recorded]], *, now: datetime) -> list[list[Any]]:
    rows = [(topup.id, *_row(topup, believed(outcome, attempts=topup.attempts), now=now)) for topup, outcome in asked]
    return [list(column) for column in zip(*rows, strict=True)]


def _row(topup: Topup, outcome: Recorded, *, now: datetime) -> tuple[Any, ...]:
    """State, the provider's name for it, why it was declined, when to ask again, and what hinders it."""
    match outcome:
        case Charged(reference):
            return "succeeded", reference, None, None, None
        case Declined(code):
            return "failed", None, code, None, None
        case ActionNeeded(reference, _, code) if topup.way == "automatic":
            return "failed", reference, code or "authentication_required", None, None
        case ActionNeeded(reference, _, str(code)) if topup.way == "source":
            return "failed", reference, code, None, None
        case ActionNeeded(reference, _, code):
            return "requires_action", reference, code, next_asking(topup, now=now, is_named=True), None
        case Underway(reference):
            return "in_doubt", reference, None, next_asking(topup, now=now, is_named=True), "processing"
        case Unpostable(reference, reason):
            return "in_doubt", reference, None, next_asking(topup, now=now, is_named=True), reason
        case unknown:
            return "in_doubt", None, None, next_asking(topup, now=now), unknown.reason


def next_asking(topup: Topup, *, now: datetime, is_named: bool = False) -> datetime | None:
    """15 s, doubled each time, an hour at most; none once the provider may have forgotten the reference."""
    wait = timedelta(seconds=min(15 * 2 ** min(max(topup.attempts - 1, 0), 10), 3600))
    if is_named:
        return now + wait if now + wait < topup.created_at + LOOK_UP_FOR else None
    return None if may_be_forgotten(topup, at=now + wait) else now + wait


def _transfer(topup: Topup, legs: Sequence[Leg], *, now: datetime) -> Transfer:
    completed = TopupCompleted(
        customer_id=topup.customer_id,
        occurred_at=now,
        topup_id=topup.id,
        amount_minor=topup.amount_minor,
        currency=topup.currency,
    )
    return Transfer(
        id=ids.new(),
        principal=PRINCIPAL,
        key=f"topup:{topup.id}",
        fingerprint=topup.fingerprint,
        kind=KIND,
        legs=(accounts.of_provider(topup.currency).leg(-topup.amount_minor), *legs),
        effective_at=now,
        details={
            "topup_id": str(topup.id),
            "customer_id": str(topup.customer_id),
            "amount_minor": topup.amount_minor,
            "currency": topup.currency,
        },
        events=(completed,),
    )


_SETTLE = """
    UPDATE wallet.topup t
       SET state = o.state, provider_reference = coalesce(o.provider_reference, t.provider_reference),
           decline_code = o.decline_code,
           due_at = o.due_at, last_error = o.last_error, lease_token = NULL, lease_until = NULL
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
           AS o (id, state, provider_reference, decline_code, due_at, last_error)
     WHERE t.id = o.id AND t.lease_token = %s
    RETURNING t.id, t.state, t.decline_code
"""
