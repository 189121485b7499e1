"""Strangers: whoever sends a door's word before they have signed up comes in when they do."""

from datetime import datetime

from sqlalchemy.orm import Session

from core import crypto, ids
from core.db import connection_of
from engage.journeys.doors import letting_in, requests
from engage.journeys.doors.models import EntryRequest


def by_word(session: Session, word: str, *, phone_index: bytes, now: datetime) -> bool:
    """A number that is nobody's yet sent a word; whether that is an open door's and they are waited for from now on.

    phone_index  the number's blind index: itself it stands nowhere
    """
    door = letting_in.doors_of(session, [word], now).get(word)
    if door is None:
        return False
    waiting = EntryRequest(
        id=ids.new(), door_id=door.id, customer_id=None, phone_index=phone_index, by_number=True,
        reference=_reference_of(phone_index), requested_at=now, expires_at=now + requests.WAITED_FOR, used_at=None,
    )  # fmt: skip
    return bool(requests.add(connection_of(session), [waiting]))


def _reference_of(phone_index: bytes) -> str:
    """Once for a number and door. It is told in the log, so it is not the index itself, by which a number is found."""
    return f"number:{crypto.blind_index('engage.door', phone_index.hex()).hex()[:32]}"
