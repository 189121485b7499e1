"""Idempotency for commands of several statements: the answer is kept in the same transaction as the deed.

One principal and key name one deed for ever. The same key and body get the same answer again; another body is refused;
a twin in flight is told to come back. (A one-statement command keeps its key on its own row instead.)
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import crypto
from core.db import Base, connection_of
from core.errors import Kind, Refusal


class KeyMissing(Refusal):
    code = "idempotency_key_missing"
    kind = Kind.MALFORMED
    title = "Send an Idempotency-Key header (1 to 255 characters), the same one on every retry"


class KeyReused(Refusal):
    code = "idempotency_key_reused"
    kind = Kind.INVALID
    title = "This Idempotency-Key was already used with another request"


class InFlight(Refusal):
    code = "idempotency_in_flight"
    kind = Kind.CONFLICT
    title = "The same request is being carried out just now; ask again in a moment"
    retry_after_seconds = 1


class IdempotencyRecord(Base):
    __tablename__ = "idempotency"
    __table_args__ = {"schema": "core"}

    principal: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(SmallInteger)
    #: JSON, not JSONB: a replay repeats the answer to the letter, members in their order.
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    kept_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


#: Made once: `json.dumps` makes an encoder for each call that is no plain one.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def fingerprint(*, method: str, route: str, principal: str, body: Any) -> bytes:
    """What was asked, by whom; the body in canonical JSON, so that key order and blanks do not matter.

    Keyed (HMAC-SHA256), since it is kept for ever and a body may hold what has few values, as a phone number has: by
    a bare hash it could be found out by trying them all.
    """
    return crypto.blind_index("idempotency", _canonical([method, route, principal, body]))


def begin(session: Session, *, principal: str, key: str, fingerprint: bytes) -> Answer | None:
    """Take the key for this transaction; the kept answer when the deed is done already.

    raises  InFlight while a twin's transaction holds the key; KeyReused for another request under the same key
    """
    connection = connection_of(session)
    lock = int.from_bytes(hashlib.sha256(f"{principal}\0{key}".encode()).digest()[:8], signed=True)
    taken = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock]).fetchone()
    if not taken or not taken[0]:
        raise InFlight
    kept = session.get(IdempotencyRecord, (principal, key))
    if kept is None:
        return None
    if kept.fingerprint != fingerprint:
        raise KeyReused
    return Answer(kept.status, kept.body)


def keep(session: Session, *, principal: str, key: str, fingerprint: bytes, answer: Answer, now: datetime) -> None:
    """Freeze the answer of this principal and key. The first one kept stays."""
    session.execute(
        insert(IdempotencyRecord)
        .values(
            principal=principal,
            key=key,
            fingerprint=fingerprint,
            status=answer.status,
            body=answer.body,
            kept_at=now,
        )
        .on_conflict_do_nothing()
    )
