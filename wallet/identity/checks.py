"""Identity checks, as customers ask for them and as the provider is asked about them.

A row is committed before the provider is asked, which happens outside any transaction; what it said is recorded after.
Due work asks again about checks whose process died, whose answer was lost, or whose verdict never came.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth import customers
from auth import limits as attempts
from auth.limits import Limit
from core import idempotency, ids, work
from core.db import transaction
from core.errors import NotFound
from core.gateways.identity import IdentityGateway, Notice
from core.idempotency import InFlight, KeyReused
from wallet import limits
from wallet.identity import outcomes, sealed
from wallet.identity.errors import (
    IdentityCheckOpen,
    IdentityCheckRefused,
    IdentityChecksExhausted,
    IdentityVerified,
)
from wallet.identity.models import OPEN, IdentityCheck
from wallet.limits.models import BASIC

#: Three times the 20 s that a call may take (core.gateways.http).
LEASE = timedelta(seconds=60)
BATCH = 16

#: Each costs the brand money at the provider.
A_DAY = Limit("identity_checks", 5, timedelta(days=1))

#: A provider forgets our reference after a day (Stripe: "at least 24 hours"); a customer may take weeks to find a
#: passport.
PATIENCE = {"pending": timedelta(hours=20), "waiting": timedelta(days=30)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """document_token: the provider's token for a document, where it does not take the pictures itself."""

    principal: str
    key: str
    fingerprint: bytes
    customer_id: UUID
    document_token: str | None
    id: UUID = field(default_factory=ids.new)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A check as it stands; `replayed` when an earlier request under the same key made it."""

    check: IdentityCheck
    replayed: bool


def submit(request: CheckRequest, *, gateway: IdentityGateway, now: datetime) -> Submitted:
    """Have a customer's identity checked. Opens transactions of its own, none of them while the provider is asked.

    raises   IdentityCheckRefused (on every retry too), IdentityCheckOpen, IdentityVerified, IdentityChecksExhausted,
             NotFound for no customer, KeyReused, InFlight while a twin is at it
    effects  announces identity_check.completed where the verdict comes at once
    """
    token = uuid4()
    with transaction() as session:
        check = _kept(session, request)
        if check is not None:
            return _answer(check, replayed=True)
        check = _keep(session, request, token, provider=gateway.name, now=now)
        if check.id != request.id:
            return _answer(check, replayed=True)

    outcome = gateway.submit(reference=check.id, document_token=request.document_token)
    with transaction() as session:
        check = outcomes.record(session, check.id, token, outcome, now=now)
    return _answer(check, replayed=False)


def take(notice: Notice, *, gateway: IdentityGateway, now: datetime) -> None:
    """Take the provider's word about a check. Twice, late or out of order, it changes nothing; nor about a stranger's.

    effects  announces identity_check.completed, and tier.changed where the tier is raised
    """
    with transaction() as session:
        check = outcomes.lock(session, notice.reference)
        if check is not None and check.provider == gateway.name:
            outcomes.take(session, check, notice.standing, now=now)


def ask_due(gateway: IdentityGateway, now: datetime) -> int:
    """Ask the provider again about checks without a verdict; how many those were. The too old ones expire."""
    token = uuid4()
    with transaction() as session:
        due = work.lock_due(session, IdentityCheck, states=OPEN, limit=BATCH, now=now)
        calls = [call for check in due if (call := _claim(session, check, token, gateway.name, now=now))]

    for check_id, provider_reference, document_token in calls:
        with transaction() as session:
            if not work.still_holds(session, IdentityCheck, check_id, token, now=now):
                continue
        if provider_reference is None:
            outcome = gateway.submit(reference=check_id, document_token=document_token)
        else:
            outcome = gateway.ask(provider_reference)
        with transaction() as session:
            outcomes.record(session, check_id, token, outcome, now=now)
    return len(due)


def find(session: Session, check_id: UUID, *, customer_id: UUID) -> IdentityCheck:
    """raises  NotFound, also for another customer's"""
    check = session.get(IdentityCheck, check_id)
    if check is None or check.customer_id != customer_id:
        raise NotFound
    return check


def latest(session: Session, customer_id: UUID) -> IdentityCheck | None:
    """The customer's latest check."""
    mine = select(IdentityCheck).where(IdentityCheck.customer_id == customer_id)
    return session.scalar(mine.order_by(IdentityCheck.id.desc()).limit(1))


def list_(session: Session, *, state: str | None, before: UUID | None, limit: int) -> Sequence[IdentityCheck]:
    """Everyone's checks, latest first: of one state, or all."""
    query = select(IdentityCheck).order_by(IdentityCheck.id.desc()).limit(limit)
    if state is not None:
        query = query.where(IdentityCheck.state == state)
    if before is not None:
        query = query.where(IdentityCheck.id < before)
    return session.scalars(query).all()


def _kept(session: Session, request: CheckRequest) -> IdentityCheck | None:
    named = (IdentityCheck.principal == request.principal, IdentityCheck.key == request.key)
    check = session.scalar(select(IdentityCheck).where(*named))
    if check is not None and check.fingerprint != request.fingerprint:
        raise KeyReused
    return check


def _keep(session: Session, request: CheckRequest, token: UUID, *, provider: str, now: datetime) -> IdentityCheck:
    """The row of a new check, or the one that a twin has just made."""
    customers.find(session, request.customer_id)
    if limits.tier_of(session, request.customer_id) != BASIC:
        raise IdentityVerified
    wait = attempts.take(session, [(A_DAY, str(request.customer_id))], now=now)
    if wait is not None:
        refusal = IdentityChecksExhausted()
        refusal.retry_after_seconds = wait
        raise refusal

    row = {
        "id": request.id,
        "principal": request.principal,
        "key": request.key,
        "fingerprint": request.fingerprint,
        "customer_id": request.customer_id,
        "provider": provider,
        "document": sealed.document(session, request.customer_id, request.id, request.document_token),
        "state": "pending",
        "created_at": now,
        "due_at": now + LEASE,
        "attempts": 1,
        "lease_until": now + LEASE,
        "lease_token": token,
    }
    # Of the two it may collide with, the key comes first: a retry must not be told of its own check.
    fresh = session.scalar(insert(IdentityCheck).values(row).on_conflict_do_nothing().returning(IdentityCheck))
    check = fresh or _kept(session, request)
    if fresh is not None:
        idempotency.claim(
            session, principal=request.principal, key=request.key, fingerprint=request.fingerprint, now=now
        )
    if check is None:
        mine = (IdentityCheck.customer_id == request.customer_id, IdentityCheck.state.in_(OPEN))
        raise IdentityCheckOpen(identity_check_id=str(session.scalar(select(IdentityCheck.id).where(*mine))))
    return check


def _claim(
    session: Session, check: IdentityCheck, token: UUID, provider: str, *, now: datetime
) -> tuple[UUID, str | None, str | None] | None:
    """What to ask about a due check: its id, the provider's reference, else the document; None where it is over."""
    is_erased, document_token = False, None
    if check.provider_reference is None and check.document is not None:
        document_token = sealed.opened_document(session, check)
        is_erased = document_token is None
    if is_erased or check.provider != provider or now >= check.created_at + PATIENCE[check.state]:
        outcomes.expire(check)
        return None

    check.lease_token, check.lease_until, check.due_at = token, now + LEASE, now + LEASE
    check.attempts += 1
    return check.id, check.provider_reference, document_token


def _answer(check: IdentityCheck, *, replayed: bool) -> Submitted:
    if check.state == "refused":
        refusal = IdentityCheckRefused(reason=check.reasons[0])
        refusal.is_replayed = replayed
        raise refusal
    if replayed and check.state == "pending" and check.last_error is None:
        raise InFlight
    return Submitted(check, replayed)
