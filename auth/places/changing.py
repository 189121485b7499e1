"""Changing what places are called and whom they belong to, each change with its row in the audit log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from auth.models import Merchant, Organisation, Store, Terminal
from auth.places import finding, organisations, stores
from core import audit


def change(
    session: Session,
    kind: type[finding.Place],
    place_id: UUID,
    *,
    changes: Mapping[str, Any],
    actor: str,
    now: datetime,
) -> finding.Place:
    """Set what is named in `changes`: name, a merchant's organisation_id, a store's reference or time_zone.

    raises  NotFound, TimeZoneUnknown, StoreExists
    """
    place = finding.one(session, kind, place_id, is_locked=True)
    if "time_zone" in changes:
        stores.check_time_zone(changes["time_zone"])

    told = {}
    for name, value in changes.items():
        if getattr(place, name) == value:
            continue
        told[name] = str(value) if isinstance(value, UUID) else value
        if name == "organisation_id" and isinstance(place, Merchant):
            organisations.take_in(session, place, value, now=now)
        else:
            setattr(place, name, value)
    session.flush()
    if told:
        audited(session, place, "change", told, actor=actor, now=now)
    return place


def audited(
    session: Session,
    place: Organisation | Merchant | Store | Terminal,
    deed: str,
    change: dict[str, Any],
    *,
    actor: str,
    now: datetime,
) -> None:
    """Keep one deed to a place: "store.change"."""
    kind = place.__tablename__
    audit.record(session, actor=actor, action=f"{kind}.{deed}", target=f"{kind}:{place.id}", change=change, now=now)
