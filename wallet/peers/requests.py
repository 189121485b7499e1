"""Requests for money: one customer asks another person, who pays, declines, or lets it lapse."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from auth import limits as attempts
from core import ids
from core.db import transaction
from core.errors import Forbidden, NotFound
from core.events import announce, announce_all
from wallet.peers import links, people, wallets
from wallet.peers.errors import LinkUnknown, MoneyRequestEnded, SelfTransfer, TooManyMoneyRequests
from wallet.peers.events import MoneyRequestCancelled, MoneyRequestDeclined, MoneyRequested, MoneyRequestLapsed
from wallet.peers.models import CANCELLED, DECLINED, LAPSED, OPEN, MoneyRequest
from wallet.peers.people import Person

LASTS = timedelta(days=7)

#: They cost nothing to make, and somebody has to read them.
_BY_REQUESTER = attempts.Limit("peers.money_requests", 30, timedelta(hours=1))
_TO_NUMBER = attempts.Limit("peers.asked_of", 5, timedelta(hours=1))

BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMoneyRequest:
    """phone   who is asked; None for whoever opens the link"""

    requester_id: UUID
    phone: str | None
    amount_minor: int
    currency: str
    note: str | None = None
    lasts: timedelta = LASTS
    id: UUID = field(default_factory=ids.new)


def ask(session: Session, new: NewMoneyRequest, *, now: datetime) -> MoneyRequest:
    """Ask for money. Whether a customer has the number makes no difference to be seen.

    raises   PhoneInvalid, SelfTransfer, CurrencyUnknown, AccountClosed, TooManyMoneyRequests; Erased
    effects  announces money.requested, of a customer who has the number
    """
    person = None if new.phone is None else people.by_phone(session, new.phone)
    if person is not None and person.customer_id == new.requester_id:
        raise SelfTransfer
    _count(session, new.requester_id, person, now=now)
    wallets.ready(session, new.requester_id, new.currency)

    request = MoneyRequest(
        id=new.id,
        requester_id=new.requester_id,
        payer_id=person.customer_id if person else None,
        way="phone" if person else "link",
        phone=people.sealed(
            session, "money_request", "phone", new.requester_id, new.id, person.phone if person else None
        ),
        phone_index=person.index if person and person.customer_id is None else None,
        code=None if person else links.kept(links.code_of(new.id)),
        amount_minor=new.amount_minor,
        currency=new.currency,
        note=people.sealed(session, "money_request", "note", new.requester_id, new.id, new.note),
        state=OPEN,
        created_at=now,
        expires_at=now + new.lasts,
    )
    session.add(request)
    if request.payer_id is not None:
        announce(session, MoneyRequested(customer_id=request.payer_id, occurred_at=now, **facts(request)))
    return request


def decline(session: Session, request_id: UUID, *, payer_id: UUID, now: datetime) -> MoneyRequest:
    """Say no to what is asked of one; again and again with the same answer.

    raises   NotFound, also for another's; Forbidden for who asked; MoneyRequestEnded
    effects  announces money_request.declined
    """
    request = _own(session, request_id, payer_id)
    if request.payer_id != payer_id:
        raise Forbidden("Only who is asked can decline; who asked cancels")
    if request.state == DECLINED:
        return request
    check_open(request, now=now)
    end(request, DECLINED, now=now)

    announce(session, MoneyRequestDeclined(customer_id=request.requester_id, occurred_at=now, **facts(request)))
    return request


def cancel(session: Session, request_id: UUID, *, requester_id: UUID, now: datetime) -> MoneyRequest:
    """Ask no longer; again and again with the same answer.

    raises   NotFound, also for another's; Forbidden for who is asked; MoneyRequestEnded
    effects  announces money_request.cancelled, of a customer who is asked
    """
    request = _own(session, request_id, requester_id)
    if request.requester_id != requester_id:
        raise Forbidden("Only who asked can cancel; who is asked declines")
    if request.state == CANCELLED:
        return request
    check_open(request, now=now)
    end(request, CANCELLED, now=now)

    if request.payer_id is not None:
        announce(session, MoneyRequestCancelled(customer_id=request.payer_id, occurred_at=now, **facts(request)))
    return request


def find(session: Session, request_id: UUID, *, customer_id: UUID) -> MoneyRequest:
    """raises  NotFound, also for one that this customer neither made nor is asked"""
    request = session.get(MoneyRequest, request_id)
    if request is None or customer_id not in (request.requester_id, request.payer_id):
        raise NotFound
    return request


def by_code(session: Session, code: str) -> MoneyRequest:
    """The request behind a link, for who is about to pay it.

    raises  LinkUnknown
    """
    request = session.scalar(select(MoneyRequest).where(MoneyRequest.code == links.kept(code)))
    if request is None:
        raise LinkUnknown
    return request


def list_(
    session: Session, *, customer_id: UUID, direction: str | None, before: UUID | None, limit: int
) -> Sequence[MoneyRequest]:
    """What a customer asks of others ("out") or is asked ("in"), or both, latest first."""
    sides = {"out": MoneyRequest.requester_id == customer_id, "in": MoneyRequest.payer_id == customer_id}
    query = select(MoneyRequest).where(or_(*sides.values()) if direction is None else sides[direction])
    if before is not None:
        query = query.where(MoneyRequest.id < before)
    return session.scalars(query.order_by(MoneyRequest.id.desc()).limit(limit)).all()


def lapse_due(now: datetime) -> int:
    """End the requests whose time has passed; how many those were. Announces money_request.lapsed for each."""
    query = (
        select(MoneyRequest)
        .where(MoneyRequest.state == OPEN, MoneyRequest.expires_at <= now)
        .order_by(MoneyRequest.expires_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    with transaction() as session:
        due = session.scalars(query).all()
        for request in due:
            end(request, LAPSED, now=now)
        told = [MoneyRequestLapsed(customer_id=one.requester_id, occurred_at=now, **facts(one)) for one in due]
        announce_all(session, told)
    return len(due)


def locked(session: Session, request_id: UUID) -> MoneyRequest:
    """The request, which nobody else pays or ends until this transaction is over.

    raises  NotFound
    """
    query = select(MoneyRequest).where(MoneyRequest.id == request_id).with_for_update()
    request = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if request is None:
        raise NotFound
    return request


def check_open(request: MoneyRequest, *, now: datetime) -> None:
    """raises  MoneyRequestEnded, from its last instant on"""
    if request.state != OPEN:
        raise MoneyRequestEnded(outcome=request.state)
    if now >= request.expires_at:
        raise MoneyRequestEnded(outcome=LAPSED)


def end(request: MoneyRequest, state: str, *, now: datetime) -> None:
    """The number's index goes, since nobody waits for it any more."""
    request.state, request.ended_at, request.phone_index = state, now, None


def facts(request: MoneyRequest) -> dict[str, Any]:
    """What every event of a request tells."""
    return {"money_request_id": request.id, "amount_minor": request.amount_minor, "currency": request.currency}


def _own(session: Session, request_id: UUID, customer_id: UUID) -> MoneyRequest:
    request = locked(session, request_id)
    if customer_id not in (request.requester_id, request.payer_id):
        raise NotFound
    return request


def _count(session: Session, requester_id: UUID, person: Person | None, *, now: datetime) -> None:
    counted = [(_BY_REQUESTER, str(requester_id))]
    if person is not None:
        counted.append((_TO_NUMBER, f"{requester_id} {person.phone}"))
    wait = attempts.take(session, counted, now=now)
    if wait is not None:
        refusal = TooManyMoneyRequests()
        refusal.retry_after_seconds = wait
        raise refusal
