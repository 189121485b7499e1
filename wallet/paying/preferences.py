"""In which order a customer's sources pay, where a payment does not say."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wallet.paying.models import PaymentPreference
from wallet.paying.splits import DEFAULT_ORDER, Kind


def of_customer(session: Session, customer_id: UUID) -> tuple[Kind, ...]:
    """The customer's order, or the default one: promotional value, gift cards, points, cash."""
    kept = session.scalar(select(PaymentPreference.sources).where(PaymentPreference.customer_id == customer_id))
    return tuple([cast(Kind, kind) for kind in kept]) if kept else DEFAULT_ORDER


def put(session: Session, customer_id: UUID, kinds: Sequence[Kind], *, now: datetime) -> None:
    """Keep a customer's order: each kind at most once; one that is left out pays only where a payment names it."""
    values = {"sources": list(kinds), "updated_at": now}
    session.execute(
        insert(PaymentPreference)
        .values(customer_id=customer_id, **values)
        .on_conflict_do_update(index_elements=["customer_id"], set_=values)
    )
