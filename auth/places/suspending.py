"""Suspending: whoever is suspended is let in nowhere within a second, with whatever token they hold."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import sessions
from auth.models import Customer, Merchant, Organisation, Store, Terminal
from auth.places import finding
from auth.places.errors import StatusFinal
from auth.places.events import AccessRestored, AccessSuspended
from auth.proofs import Owner
from auth.statuses import ACTIVE, SUSPENDED
from auth.tokens import revocations
from core import audit
from core.errors import NotFound
from core.events import announce

Kind = Literal["organisation", "merchant", "store", "terminal", "customer"]

_PLACES: dict[str, type[Any]] = {
    "organisation": Organisation,
    "merchant": Merchant,
    "store": Store,
    "terminal": Terminal,
}
_Row = Organisation | Merchant | Store | Terminal | Customer

#: A token that is being minted while this is written was asked for before it.
_BEING_MADE = timedelta(seconds=2)


def set_status(session: Session, kind: Kind, subject: UUID, status: str, *, actor: str, now: datetime) -> _Row:
    """Suspend somebody, let them in again, or revoke a terminal for ever. Whose status it is already: nothing is done.

    raises   NotFound; StatusFinal for a terminal that was revoked and a customer who is being erased
    effects  tokens that are out are refused within a second, and stay so: who is let in again signs in again. A
             customer's sessions end. An audit row; announces access.suspended or access.restored
    """
    row = _locked(session, kind, subject)
    if row.status == status:
        return row
    if row.status not in (ACTIVE, SUSPENDED):
        raise StatusFinal

    before, row.status = row.status, status
    session.flush()
    name = f"{kind}:{subject}"
    customer_id = row.id if isinstance(row, Customer) else None
    if status != ACTIVE:
        for revoked in _revoked_with(session, row, name):
            revocations.add(session, revoked, now=now + _BEING_MADE)
        if customer_id is not None:
            sessions.end_all(session, Owner(customer_id=customer_id), because="suspended", now=now)

    audit.record(
        session, actor=actor, action=f"{kind}.status", target=name, change={"from": before, "to": status}, now=now
    )
    if status == ACTIVE:
        announce(session, AccessRestored(occurred_at=now, customer_id=customer_id, whom=name))
    else:
        announce(session, AccessSuspended(occurred_at=now, customer_id=customer_id, whom=name, status=status))
    return row


def _locked(session: Session, kind: Kind, subject: UUID) -> _Row:
    if kind == "customer":
        customer = session.get(Customer, subject, with_for_update=True, populate_existing=True)
        if customer is None:
            raise NotFound("There is no such customer")
        return customer
    place: _Row = finding.one(session, _PLACES[kind], subject, is_locked=True)
    return place


def _revoked_with(session: Session, row: _Row, name: str) -> Sequence[str]:
    """Whose tokens are good for nothing: a till's names its merchant, and not that one's organisation."""
    if not isinstance(row, Organisation):
        return [name]
    merchant_ids = session.scalars(select(Merchant.id).where(Merchant.organisation_id == row.id).order_by(Merchant.id))
    return [f"merchant:{merchant_id}" for merchant_id in merchant_ids]
