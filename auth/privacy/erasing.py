"""Erasing a customer: what speaks against it, and its beginning. What follows is work (`steps`)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import opaque, sessions
from auth.models import ERASED, ERASING, Customer
from auth.privacy import answers, models
from auth.privacy.errors import ErasureRefused, ErasureUnderWay
from auth.privacy.events import CustomerErasing
from auth.privacy.models import Erasure
from auth.proofs import Owner
from auth.tokens import revocations
from core import audit, ids
from core.errors import NotFound
from core.events import announce
from core.holdings import Reason
from core.work import nudge_after

LINE = "auth.erasures"

#: Anything that a customer may agree to lose, by the word for it.
FORFEITS = ("coupons", "gift_cards", "points", "promotional")

_PURPOSE = "erasure"


def objections(session: Session, customer_id: UUID, *, now: datetime) -> Sequence[Reason]:
    """What has to be settled before, and what the customer loses."""
    asked = [holder.objections for holder in answers.holders() if holder.objections is not None]
    return [reason for ask_room in asked for reason in ask_room(session, customer_id, now)]


def ask(
    session: Session, customer_id: UUID, *, forfeit: Collection[str], actor: str, now: datetime
) -> tuple[Erasure, str]:
    """Close a customer's account for ever and begin to erase it; with what its receipt is asked for with.

    raises   ErasureRefused with what is left, and what was not agreed to be lost; ErasureUnderWay; NotFound; what a
             room's own parting raises for what came in between
    effects  the wallet is closed, every session ends, access tokens work no more; announces customer.erasing
    """
    customer = session.scalar(select(Customer).where(Customer.id == customer_id).with_for_update(key_share=True))
    if customer is None:
        raise NotFound
    if customer.status in (ERASING, ERASED):
        raise ErasureUnderWay
    left = [reason for reason in objections(session, customer_id, now=now) if reason.forfeit not in forfeit]
    if left:
        raise ErasureRefused(reasons=[told(reason) for reason in left])

    sessions.end_all(session, Owner(customer_id=customer_id), because="erased", now=now)
    revocations.add(session, f"customer:{customer_id}", now=now)
    token = opaque.new()
    erasure = Erasure(
        id=ids.new(),
        customer_id=customer_id,
        token=opaque.kept(_PURPOSE, token),
        asked_by=actor,
        asked_at=now,
        parted={room: dict(part(session, customer_id, now)) for room, part in answers.partings()},
        steps={},
        state=models.ERASING,
        due_at=now,
    )
    # What came in between is seen now that the rooms have shut: a card that somebody paid for must not go unseen.
    came = [reason for reason in objections(session, customer_id, now=now) if reason.forfeit is None]
    if came:
        raise ErasureRefused(reasons=[told(reason) for reason in came])

    session.add(erasure)
    customer.status = ERASING
    change = {"erasure_id": str(erasure.id), "forfeit": sorted(forfeit)}
    audit.record(
        session, actor=actor, action="customer.erase", target=f"customer:{customer_id}", change=change, now=now
    )

    announce(session, CustomerErasing(customer_id=customer_id, occurred_at=now, erasure_id=erasure.id))
    nudge_after(session, LINE)
    return erasure, token


def by_token(session: Session, token: str) -> Erasure:
    """raises  NotFound"""
    found = session.scalar(select(Erasure).where(Erasure.token == opaque.kept(_PURPOSE, token)))
    if found is None:
        raise NotFound
    return found


def page(session: Session, *, before: UUID | None, limit: int) -> Sequence[Erasure]:
    """Erasures, the latest first."""
    query = select(Erasure).order_by(Erasure.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(Erasure.id < before)).all()


def told(reason: Reason) -> dict[str, Any]:
    """As a refusal's facts and the app's list show it."""
    forfeit = {"forfeit": reason.forfeit} if reason.forfeit else {}
    return {"code": reason.code, **forfeit, **reason.facts}
