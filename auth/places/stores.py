"""The merchants' stores."""

from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from auth.errors import TimeZoneUnknown
from auth.events import StoreAdded
from auth.models import ACTIVE, Merchant, Store
from auth.places.merchants import id_within
from core.errors import NotFound
from core.events import announce

_TIME_ZONES = frozenset(available_timezones())


def add_store(
    session: Session,
    *,
    merchant_id: UUID,
    name: str,
    now: datetime,
    reference: str | None = None,
    time_zone: str | None = None,
) -> Store:
    """`reference` is the merchant's own number for it; without a time zone the brand's holds.

    raises   NotFound for an unknown merchant; TimeZoneUnknown; StoreExists when the reference is taken
    effects  announces store.added
    """
    if session.get(Merchant, merchant_id) is None:
        raise NotFound("There is no such merchant")
    check_time_zone(time_zone)

    store = Store(
        id=id_within(merchant_id), merchant_id=merchant_id, name=name, reference=reference, time_zone=time_zone,
        status=ACTIVE, created_at=now,
    )  # fmt: skip
    session.add(store)
    session.flush()

    announce(session, StoreAdded(occurred_at=now, merchant_id=merchant_id, store_id=store.id))
    return store


def check_time_zone(name: str | None) -> None:
    """raises  TimeZoneUnknown"""
    if name is not None and name not in _TIME_ZONES:
        raise TimeZoneUnknown
