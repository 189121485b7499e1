"""Merchants: the brand's partners."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from auth.events import MerchantAdded
from auth.models import ACTIVE, Merchant
from core import ids
from core.events import announce


def add_merchant(session: Session, *, name: str, now: datetime, is_sandbox: bool = False) -> Merchant:
    """A sandbox's merchant deals in nothing real, nor do the stores and terminals that are added to it (decision 0024).

    effects  announces merchant.added
    """
    merchant_id = ids.new_sandbox() if is_sandbox else ids.new()
    merchant = Merchant(id=merchant_id, name=name, status=ACTIVE, created_at=now)
    session.add(merchant)
    session.flush()

    announce(session, MerchantAdded(occurred_at=now, merchant_id=merchant.id))
    return merchant


def known(session: Session, merchant_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the ids that are merchants'."""
    asked = literal(list(merchant_ids), ARRAY(Uuid))
    return set(session.scalars(select(Merchant.id).where(Merchant.id == any_(asked))))


def id_within(owner_id: UUID) -> UUID:
    """An id of what belongs to a merchant or a store: of a sandbox's if they are."""
    return ids.new_sandbox() if ids.is_sandbox(owner_id) else ids.new()
