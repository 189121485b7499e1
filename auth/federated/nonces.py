"""Nonces for who is signed in and links an identity: given once, taken once, within ten minutes.

Nothing is kept of one that is not used: the handle says until when it is good, and the nonce is worked out of it.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth.dpop import replays
from auth.keys import jwk
from core import crypto
from core.db import connection_of

TTL = timedelta(minutes=10)
_RANDOM_BYTES, _TIME_BYTES = 24, 5


@dataclass(frozen=True, slots=True)
class Given:
    handle: str
    nonce: bytes


def give(customer_id: UUID, *, now: datetime) -> Given:
    ends = int((now + TTL).timestamp()).to_bytes(_TIME_BYTES)
    handle = jwk.b64url(os.urandom(_RANDOM_BYTES) + ends)
    return Given(handle, _nonce(customer_id, handle))


def take(session: Session, customer_id: UUID, handle: str, *, now: datetime) -> bytes | None:
    """The nonce that was given to this customer with a handle; None for one that is over, used, or not ours."""
    try:
        content = jwk.unb64url(handle)
    except ValueError:
        return None
    if len(content) != _RANDOM_BYTES + _TIME_BYTES:
        return None
    ends = int.from_bytes(content[_RANDOM_BYTES:])
    if not now.timestamp() < ends <= (now + TTL).timestamp():
        return None
    nonce = _nonce(customer_id, handle)
    is_first = replays.first(connection_of(session), nonce, until=now + TTL, now=now)
    return nonce if is_first else None


def _nonce(customer_id: UUID, handle: str) -> bytes:
    return crypto.blind_index("auth.identity.nonce", f"{customer_id}|{handle}")
