"""Top-ups: money that comes in from a card or bank, through the payment provider.

A row is committed before the provider is asked, the charge is made outside any transaction, and what came of it is
posted after. The provider charges once a reference, so a crash between is finished by asking it the same again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import ids, work
from core.db import connection_of, transaction
from core.errors import NotFound, Refusal
from core.gateways.outcomes import Unknown
from core.gateways.payments import ChargeOutcome, PaymentGateway
from core.idempotency import InFlight, KeyReused
from wallet import accounts
from wallet.assets import brand_currency
from wallet.errors import CurrencyUnknown, PostingRefused, TopupDeclined
from wallet.models import Topup
from wallet.topups import keys, outcomes

#: Three times the 20 s that a call may take (core.gateways.http).
LEASE = timedelta(seconds=60)
BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TopupRequest:
    """source: the provider's token for a card or bank account."""

    principal: str
    key: str
    fingerprint: bytes
    customer_id: UUID
    amount_minor: int
    currency: str
    source: str
    id: UUID = field(default_factory=ids.new)


@dataclass(frozen=True, slots=True)
class Taken:
    """A top-up as it stands; `replayed` when an earlier request under the same key made it."""

    topup: Topup
    replayed: bool


def take(request: TopupRequest, *, gateway: PaymentGateway, now: datetime) -> Taken:
    """Bring money in. Opens transactions of its own, none of them while the provider is asked.

    The state is "succeeded", or "in_doubt" where the provider's answer is unknown: due work asks it again.
    raises   TopupDeclined (on every retry too), CurrencyUnknown, KeyReused, InFlight while a twin is at it
    effects  announces topup.completed or topup.failed
    """
    taken = take_all([request], gateway=gateway, now=now)[0]
    if isinstance(taken, Refusal):
        raise taken
    return taken


def take_all(requests: Sequence[TopupRequest], *, gateway: PaymentGateway, now: datetime) -> list[Taken | Refusal]:
    """`take` for up to a thousand at a time, in a handful of statements; each request's answer stands in its place.

    raises  CurrencyUnknown, before anything is done
    """
    if any(request.currency != brand_currency() for request in requests):
        raise CurrencyUnknown
    token = uuid4()
    with transaction() as session:
        claimed = _claim(session, requests, token, now=now)

    _charge(claimed, token, gateway=gateway, now=now)

    with transaction() as session:
        kept = _kept(session, requests)
    fresh = {topup.id for topup in claimed}
    return [_answer(request, kept.get((request.principal, request.key)), fresh) for request in requests]


def finish_due(gateway: PaymentGateway, now: datetime) -> int:
    """Ask the provider again about top-ups whose process died or whose answer was unknown; how many those were.

    One that an outage has made too old to ask about stays in doubt, for an operator: the provider might charge it anew.
    """
    token = uuid4()
    with transaction() as session:
        due = work.lock_due(session, Topup, states=["pending", "in_doubt"], limit=BATCH, now=now)
        for topup in due:
            if outcomes.may_be_forgotten(topup, at=now):
                topup.state, topup.due_at, topup.lease_token, topup.lease_until = "in_doubt", None, None, None
                topup.last_error = "the provider may have forgotten it"
            else:
                topup.lease_token, topup.lease_until, topup.due_at = token, now + LEASE, now + LEASE
                topup.attempts += 1

    # One by one, since a lease lasts for three slow answers: what was answered is kept, whoever takes the rest over.
    for topup in due:
        if topup.lease_token == token and _still_holds(topup, token, now=now):
            _charge([topup], token, gateway=gateway, now=now)
    return len(due)


def find(session: Session, topup_id: UUID, *, customer_id: UUID) -> Topup:
    """raises  NotFound, also for another customer's"""
    topup = session.get(Topup, topup_id)
    if topup is None or topup.customer_id != customer_id:
        raise NotFound
    return topup


def given_up(session: Session, *, limit: int) -> Sequence[Topup]:
    """The top-ups in doubt that the provider is not asked about any more, the oldest first."""
    query = select(Topup).where(Topup.state == "in_doubt", Topup.due_at.is_(None)).order_by(Topup.id).limit(limit)
    return session.scalars(query).all()


def _claim(session: Session, requests: Sequence[TopupRequest], token: UUID, *, now: datetime) -> list[Topup]:
    """Keep the requests that are new, leased to us; those that a twin has kept are left to it.

    One whose key names something else is not kept.
    """
    named = [(request.id, request.principal, request.key, request.fingerprint) for request in requests]
    refused = keys.take_all(connection_of(session), named, now=now)
    requests = [request for request in requests if request.id not in refused]
    if not requests:
        return []
    accounts.open_all(
        session,
        {accounts.of_provider(brand_currency())}
        | {accounts.of_customer(request.customer_id, request.currency) for request in requests},
    )
    rows: list[dict[str, Any]] = [
        {
            "id": request.id,
            "principal": request.principal,
            "key": request.key,
            "fingerprint": request.fingerprint,
            "customer_id": request.customer_id,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
            "source": request.source,
            "state": "pending",
            "created_at": now,
            "due_at": now + LEASE,
            "attempts": 1,
            "lease_until": now + LEASE,
            "lease_token": token,
        }
        for request in sorted(requests, key=lambda request: (request.principal, request.key))
    ]
    # The rows are parameters, not VALUES: so the statement is compiled once, not anew for each number of rows.
    statement = insert(Topup).on_conflict_do_nothing(index_elements=["principal", "key"]).returning(Topup)
    return list(session.scalars(statement, rows))


def _still_holds(topup: Topup, token: UUID, *, now: datetime) -> bool:
    with transaction() as session:
        return work.still_holds(session, Topup, topup.id, token, now=now)


def _charge(topups: Sequence[Topup], token: UUID, *, gateway: PaymentGateway, now: datetime) -> None:
    """Ask the provider for each, then record what it said."""
    asked = [
        (
            topup,
            gateway.charge(
                reference=str(topup.id),
                amount_minor=topup.amount_minor,
                currency=topup.currency,
                source=topup.source,
            ),
        )
        for topup in topups
    ]
    if asked:
        _record(asked, token, now=now)


def _record(asked: Sequence[tuple[Topup, ChargeOutcome]], token: UUID, *, now: datetime) -> None:
    try:
        with transaction() as session:
            outcomes.record(session, asked, token, now=now)
    except PostingRefused as refusal:
        # The provider has the money and the ledger cannot take it (a closed account): an operator must see it.
        if len(asked) == 1:
            with transaction() as session:
                outcomes.record(session, [(asked[0][0], Unknown(reason=refusal.code))], token, now=now)
        else:
            for one in asked:
                _record([one], token, now=now)


def _kept(session: Session, requests: Sequence[TopupRequest]) -> dict[tuple[str, str], Topup]:
    named = tuple_(Topup.principal, Topup.key).in_([(request.principal, request.key) for request in requests])
    return {(topup.principal, topup.key): topup for topup in session.scalars(select(Topup).where(named))}


def _answer(request: TopupRequest, topup: Topup | None, fresh: set[UUID]) -> Taken | Refusal:
    if topup is None or topup.fingerprint != request.fingerprint:
        return KeyReused()
    is_replayed = topup.id not in fresh or topup.id != request.id
    if topup.state == "failed":
        refusal = TopupDeclined(reason=topup.decline_code)
        refusal.is_replayed = is_replayed
        return refusal
    if topup.state == "pending":
        return InFlight()
    return Taken(topup, is_replayed)
