"""What the customers' and the staff's views have in common."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core import clock
from wallet import balances
from wallet.api import shapes
from wallet.errors import InstantInFuture


def as_of(session: Session, customer_id: UUID, args: dict[str, Any]) -> dict[str, Any]:
    """A customer's balances as of the instants in the arguments.

    raises  InstantInFuture
    """
    now = clock.now()
    at, recorded_by = args["as_of"] or now, args.get("as_recorded_at")
    if at > now or (recorded_by is not None and recorded_by > now):
        raise InstantInFuture
    found = balances.of_customer_as_of(session, customer_id, at=at, recorded_by=recorded_by)
    return {**shapes.wallet(found), "as_of": at}
