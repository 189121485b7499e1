"""Bringing money in: a row is committed before the provider is asked, the provider is asked outside any transaction,
and what came of it is posted after. It charges once a reference, so a crash between is finished by asking again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import ids
from core.db import connection_of, transaction
from core.errors import NotFound, Refusal
from core.gateways.payments import ActionNeeded, PaymentGateway
from core.idempotency import InFlight, KeyReused
from wallet import accounts
from wallet.assets import wallet_currencies
from wallet.errors import CurrencyUnknown, TopupDeclined
from wallet.topups import asking, counting, keys
from wallet.topups.errors import TopupUnderWay
from wallet.topups.models import Topup

#: Three times the 20 s that a call may take (core.gateways.http).
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopupRequest:
    """source: the provider's token for a card or bank account, or a saved method of the payer; None on a sheet."""

    principal: str
    key: str
    fingerprint: bytes
    customer_id: UUID
    amount_minor: int
    currency: str
    source: str | None
    payer: str | None = None
    way: Literal["source", "sheet", "automatic"] = "source"
    id: UUID = field(default_factory=ids.new)


@dataclass(frozen=True, slots=True)
class Taken:
    """A top-up as it stands; `replayed` when an earlier request under the same key made it.

    action   what the app has to see to, while the state is "requires_action"
    """

    topup: Topup
    replayed: bool
    action: ActionNeeded | None = None


def take(request: TopupRequest, *, gateway: PaymentGateway, now: datetime) -> Taken:
    """Bring money in. Opens transactions of its own, none of them while the provider is asked.

    The state is "succeeded"; "requires_action" where the customer has to do something in the app first; or "in_doubt"
    where the provider's answer is unknown: due work asks it again.
    raises   TopupDeclined, LimitExceeded and AccountClosed (on every retry too), CurrencyUnknown, KeyReused, InFlight
             while a twin is at it
    effects  announces topup.completed or topup.failed
    """
    taken = take_all([request], gateway=gateway, now=now)[0]
    if isinstance(taken, Refusal):
        raise taken
    reference = taken.topup.provider_reference
    if taken.action is None and taken.topup.state == "requires_action" and reference:
        # What the app goes on with is a secret that we do not keep: the provider tells it again.
        told = gateway.look_up(reference)
        return Taken(taken.topup, taken.replayed, told if isinstance(told, ActionNeeded) else None)
    return taken


def take_all(requests: Sequence[TopupRequest], *, gateway: PaymentGateway, now: datetime) -> list[Taken | Refusal]:
    """`take` for up to a thousand at a time, in a handful of statements; each request's answer stands in its place.

    raises  CurrencyUnknown, before anything is done
    """
    if any(request.currency not in wallet_currencies() for request in requests):
        raise CurrencyUnknown
    token = uuid4()
    claimed, refused = _claim_all(requests, token, now=now)

    asked = [(topup, asking.ask(gateway, topup, now=now)) for topup in claimed]
    asking.record(asked, token, now=now)

    with transaction() as session:
        kept = _kept(session, requests)
    fresh = {topup.id for topup in claimed}
    actions = {topup.id: outcome for topup, outcome in asked if isinstance(outcome, ActionNeeded)}
    return [
        refused.get(request.id) or _answer(request, kept.get((request.principal, request.key)), fresh, actions)
        for request in requests
    ]


def find(session: Session, topup_id: UUID, *, customer_id: UUID) -> Topup:
    """raises  NotFound, also for another customer's"""
    topup = session.get(Topup, topup_id)
    if topup is None or topup.customer_id != customer_id:
        raise NotFound
    return topup


def list_(
    session: Session, *, state: str | None, customer_id: UUID | None, before: UUID | None, limit: int
) -> Sequence[Topup]:
    """The latest first. before: the last id of the page before."""
    query = select(Topup).order_by(Topup.id.desc()).limit(limit)
    if state is not None:
        query = query.where(Topup.state == state)
    if customer_id is not None:
        query = query.where(Topup.customer_id == customer_id)
    if before is not None:
        query = query.where(Topup.id < before)
    return session.scalars(query).all()


def refuse_undecided(session: Session, customer_id: UUID) -> None:
    """For a wallet that is to be closed, its accounts locked by the caller: a new top-up waits for them.

    raises  TopupUnderWay
    """
    mine = (Topup.customer_id == customer_id, Topup.state.in_(["pending", "requires_action", "in_doubt"]))
    topup_id = session.scalar(select(Topup.id).where(*mine).limit(1))
    if topup_id is not None:
        raise TopupUnderWay(topup_id=str(topup_id))


def given_up(session: Session, *, limit: int) -> Sequence[Topup]:
    """The top-ups in doubt that the provider is not asked about any more, the oldest first."""
    query = select(Topup).where(Topup.state == "in_doubt", Topup.due_at.is_(None)).order_by(Topup.id).limit(limit)
    return session.scalars(query).all()


def _claim_all(
    requests: Sequence[TopupRequest], token: UUID, *, now: datetime
) -> tuple[list[Topup], dict[UUID, Refusal]]:
    """Those that are ours to ask for, and why others are refused; what would pass a limit stays refused."""
    refused: dict[UUID, Refusal] = {}
    while True:
        left = [request for request in requests if request.id not in refused]
        if not left:
            return [], refused
        try:
            with transaction() as session:
                claimed, others = _claim(session, left, token, now=now)
            return claimed, refused | others
        except counting.Over as found:
            [over] = [request for request in left if request.id == found.topup_id]
            refused[over.id] = found.refusal
            with transaction() as session:
                keys.freeze(connection_of(session), _named(over), found.refusal, now=now)


def _named(request: TopupRequest) -> keys.Named:
    return request.id, request.principal, request.key, request.fingerprint


def _claim(
    session: Session, requests: Sequence[TopupRequest], token: UUID, *, now: datetime
) -> tuple[list[Topup], dict[UUID, Refusal]]:
    """Keep the requests that are new, leased to us; those that a twin has kept are left to it.

    One whose key names something else is refused.
    """
    refused = keys.take_all(connection_of(session), [_named(request) for request in requests], now=now)
    requests = [request for request in requests if request.id not in refused]
    if not requests:
        return [], refused
    accounts.open_all(
        session,
        {accounts.of_provider(request.currency) for request in requests}
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
            "way": request.way,
            "source": request.source,
            "payer": request.payer,
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
    claimed = list(session.scalars(statement, rows))
    counting.take_all(connection_of(session), claimed, at=now)
    return claimed, refused


def _kept(session: Session, requests: Sequence[TopupRequest]) -> dict[tuple[str, str], Topup]:
    named = tuple_(Topup.principal, Topup.key).in_([(request.principal, request.key) for request in requests])
    return {(topup.principal, topup.key): topup for topup in session.scalars(select(Topup).where(named))}


def _answer(
    request: TopupRequest, topup: Topup | None, fresh: set[UUID], actions: dict[UUID, ActionNeeded]
) -> Taken | Refusal:
    if topup is None or topup.fingerprint != request.fingerprint:
        return KeyReused()
    is_replayed = topup.id not in fresh or topup.id != request.id
    if topup.state == "failed":
        refusal = TopupDeclined(reason=topup.decline_code)
        refusal.is_replayed = is_replayed
        return refusal
    if topup.state == "pending":
        return InFlight()
    return Taken(topup, is_replayed, actions.get(topup.id) if topup.state == "requires_action" else None)
