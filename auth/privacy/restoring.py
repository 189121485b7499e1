"""A restored backup: whoever was erased since it was made is erased again, before any door opens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth.models import ERASED, ERASING, Customer
from auth.privacy import models, tombstones
from auth.privacy.models import Erasure
from auth.privacy.tombstones import Tombstone
from core import crypto
from core.db import transaction

_CHUNK = 200


def erase_again(now: datetime) -> int:
    """Destroy the keys and indexes of everybody in the register whom the database still knows; what else is held on
    them is dropped by the workers. Returns how many there were.

    raises  ConfigurationError where the register is damaged
    """
    stones = tombstones.read()
    again = 0
    for start in range(0, len(stones), _CHUNK):
        with transaction() as session:
            again += _erase(session, stones[start : start + _CHUNK], now)
    return again


def missing(session: Session, stones: Sequence[Tombstone]) -> list[Tombstone]:
    """Those of the register whom the database has not erased, nor begun to."""
    asked = [UUID(stone.customer_id) for stone in stones]
    gone = {*session.scalars(select(Erasure.customer_id).where(Erasure.customer_id.in_(asked)))}
    return [stone for stone in stones if UUID(stone.customer_id) not in gone]


def _erase(session: Session, stones: Sequence[Tombstone], now: datetime) -> int:
    asked = [UUID(stone.customer_id) for stone in stones]
    # The register's line comes before the key's end: one that was written down has none any more, whatever became of
    # the rest.
    session.execute(delete(crypto.DataKey).where(crypto.DataKey.owner_id.in_(asked)))
    again = missing(session, stones)
    if not again:
        return 0
    customers = update(Customer).where(
        Customer.id.in_([UUID(stone.customer_id) for stone in again]), Customer.status != ERASED
    )
    session.execute(customers.values(status=ERASING, phone=None, phone_index=None, email=None, email_index=None,
                                     email_verified_at=None, birthday=None, birthday_index=None))  # fmt: skip
    values = [_begun(stone, now) for stone in again]
    session.execute(insert(Erasure).values(values).on_conflict_do_nothing())
    return len(again)


def _begun(stone: Tombstone, now: datetime) -> dict[str, object]:
    return {
        "id": UUID(stone.erasure_id),
        "customer_id": UUID(stone.customer_id),
        "token": bytes.fromhex(stone.token),
        "asked_by": stone.asked_by,
        "asked_at": datetime.fromisoformat(stone.asked_at),
        "parted": {},
        "steps": {},
        "state": models.ERASING,
        "due_at": now,
    }
