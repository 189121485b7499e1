"""Suspending a customer, as staff do it."""

from uuid import UUID

from sqlalchemy.orm import Session

from auth.models import SUSPENDED
from auth.places import suspending
from core import clock


def suspend(session: Session, customer_id: UUID) -> None:
    suspending.set_status(session, "customer", customer_id, SUSPENDED, actor="staff:a-test", now=clock.now())
