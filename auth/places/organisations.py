"""Organisations: who several merchants belong to."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth.models import Merchant, Organisation
from auth.statuses import ACTIVE
from auth.tokens import revocations
from core import ids
from core.errors import NotFound


def add_organisation(session: Session, *, name: str, now: datetime) -> Organisation:
    organisation = Organisation(id=ids.new(), name=name, status=ACTIVE, created_at=now)
    session.add(organisation)
    session.flush()
    return organisation


def take_in(session: Session, merchant: Merchant, organisation_id: UUID | None, *, now: datetime) -> None:
    """Let a merchant belong to an organisation, or to none.

    raises   NotFound for an unknown organisation
    effects  with a suspended one, the merchant's tills are out as well
    """
    if organisation_id is not None:
        organisation = session.get(Organisation, organisation_id, with_for_update={"read": True})
        if organisation is None:
            raise NotFound("There is no such organisation")
        if organisation.status != ACTIVE:
            revocations.add(session, f"merchant:{merchant.id}", now=now)
    merchant.organisation_id = organisation_id
