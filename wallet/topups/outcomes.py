"""What became of top-ups: recorded, posted and announced in one transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of
from core.events import announce_all
from core.gateways.payments import Charged, ChargeOutcome, Declined
from wallet import accounts, ledger
from wallet.events import TopupCompleted, TopupFailed
from wallet.ledger import Leg, Transfer
from wallet.models import Topup

KIND = "topup"
PRINCIPAL = "wallet"

#: Providers forget references after a day (Stripe: "at least 24 hours"), and would charge anew.
ASK_AGAIN_FOR = timedelta(hours=20)


def record(session: Session, asked: Sequence[tuple[Topup, ChargeOutcome]], token: UUID, *, now: datetime) -> None:
    """Settle those that are still leased to us, post what was charged, announce both endings.

    raises  PostingRefused when the ledger cannot take one of them
    """
    connection = connection_of(session)
    columns = _columns(asked, now=now)
    ours = {row[0] for row in connection.execute(_SETTLE, [*columns, token]).fetchall()}
    settled = [(topup, outcome) for topup, outcome in asked if topup.id in ours]

    announce_all(session, [_failed(topup, o.code, now=now) for topup, o in settled if isinstance(o, Declined)])
    ledger.post_all(connection, [_transfer(topup, now=now) for topup, o in settled if isinstance(o, Charged)])


def may_be_forgotten(topup: Topup, *, at: datetime) -> bool:
    """Whether the provider, asked then, might charge anew under the same reference."""
    return at >= topup.created_at + ASK_AGAIN_FOR


def _columns(asked: Sequence[tuple[Topup, ChargeOutcome]], *, now: datetime) -> list[list[Any]]:
    rows: list[tuple[Any, ...]] = []
    for topup, outcome in asked:
        match outcome:
            case Charged(provider_reference):
                rows.append((topup.id, "succeeded", provider_reference, None, None, None))
            case Declined(code):
                rows.append((topup.id, "failed", None, code, None, None))
            case unknown:
                rows.append((topup.id, "in_doubt", None, None, _next_asking(topup, now=now), unknown.reason))
    return [list(column) for column in zip(*rows, strict=True)]


def _next_asking(topup: Topup, *, now: datetime) -> datetime | None:
    """15 s, doubled each time, an hour at most; none once the provider may have forgotten the reference."""
    wait = timedelta(seconds=min(15 * 2 ** min(topup.attempts - 1, 10), 3600))
    return None if may_be_forgotten(topup, at=now + wait) else now + wait


def _transfer(topup: Topup, *, now: datetime) -> Transfer:
    cash = accounts.of_customer(topup.customer_id, topup.currency)
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
        legs=(
            accounts.of_provider(topup.currency).leg(-topup.amount_minor),
            cash.leg(topup.amount_minor),
        ),
        effective_at=now,
        details={
            "topup_id": str(topup.id),
            "customer_id": str(topup.customer_id),
            "amount_minor": topup.amount_minor,
            "currency": topup.currency,
        },
        events=(completed,),
    )


def _failed(topup: Topup, reason: str, *, now: datetime) -> TopupFailed:
    return TopupFailed(
        customer_id=topup.customer_id,
        occurred_at=now,
        topup_id=topup.id,
        amount_minor=topup.amount_minor,
        currency=topup.currency,
        reason=reason,
    )


_SETTLE = """
    UPDATE wallet.topup t
       SET state = o.state, provider_reference = o.provider_reference, decline_code = o.decline_code,
           due_at = o.due_at, last_error = o.last_error, lease_token = NULL, lease_until = NULL
      FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
           AS o (id, state, provider_reference, decline_code, due_at, last_error)
     WHERE t.id = o.id AND t.lease_token = %s
    RETURNING t.id
"""
