"""Whose basket it is that a till sends: by a scan of its own, or by the visit that an earlier one opened."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customer_codes
from core.db import Connection, connection_of
from rewards.redemption import visits
from wallet.paying.tills import Till


def paying(session: Session, args: dict[str, Any], till: Till, *, now: datetime) -> UUID:
    """Who pays this basket; one scan pays once.

    raises   CustomerCodeRefused; VisitOver
    effects  burns the code, or ends the visit
    """
    if args["visit_id"] is not None:
        return visits.spend(connection_of(session), args["visit_id"], till, now=now)
    return customer_codes.identify(session, args["customer_code"], now=now, is_sandbox=till.is_sandbox)


def reserving(session: Session, args: dict[str, Any], till: Till, *, now: datetime) -> UUID:
    """Whose basket it is; a visit goes on, since it pays when the basket is taken.

    raises   CustomerCodeRefused; VisitOver
    effects  burns the code
    """
    return asking(connection_of(session), args, till, now=now) or paying(session, args, till, now=now)


def asking(connection: Connection, args: dict[str, Any], till: Till, *, now: datetime) -> UUID | None:
    """Who stands at the till, where a visit says it.

    raises  VisitOver
    """
    visit_id = args["visit_id"]
    return None if visit_id is None else visits.customer_of(connection, visit_id, till, now=now)
