"""Idempotency for commands of several statements: the answer is kept in the same transaction as the deed.

One principal and key name one deed for ever, whichever route they were sent to (decision 26). The same key and body get
the same answer again; another body or another route is refused; a twin in flight is told to come back. A one-statement
command keeps its key on its own row instead: rooms above hand in where those stand (`register`).
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary, SmallInteger, Text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import crypto
from core.db import Base, Connection, connection_of
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a room above keeps keys on rows of its own.

    found  SQL of the fingerprint that stands there under %(principal)s and %(key)s, if one does
    take   takes a key there, so that no statement of that room can use it for something else; raises KeyReused. None
           where its statements look for kept answers themselves
    """

    found: str
    take: Callable[[Connection, str, str, bytes, datetime], None] | None = None


_homes: Sequence[Home] = ()
_standing = ""


def register(homes: Sequence[Home]) -> None:
    """Take the homes of keys in the rooms above; until then no other is known."""
    global _homes, _standing
    _homes = homes
    _standing = "".join(_ELSEWHERE.format(found=home.found) for home in homes)


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
    kept, is_free_elsewhere = _kept(connection, principal, key, fingerprint)
    if kept is None and not is_free_elsewhere:
        raise KeyReused
    return kept


def claim(session: Session, *, principal: str, key: str, fingerprint: bytes, now: datetime) -> None:
    """For who keeps the answer on a row of its own, in the transaction that writes that row: the key names it alone.

    raises  KeyReused for another request under the same key
    """
    keep(session, principal=principal, key=key, fingerprint=fingerprint, answer=_ON_ITS_OWN_ROW, now=now)
    if not _kept(connection_of(session), principal, key, fingerprint)[1]:
        raise KeyReused


def keep(session: Session, *, principal: str, key: str, fingerprint: bytes, answer: Answer, now: datetime) -> None:
    """Freeze the answer of this principal and key. The first one kept stays.

    raises  KeyReused where another request has taken the key meanwhile, at whichever door
    """
    connection = connection_of(session)
    kept = connection.execute(
        _KEEP, [principal, key, fingerprint, answer.status, json.dumps(answer.body), now]
    ).rowcount
    if not kept:
        # Another has just written it: a look of its own, since the statement before could not see that row.
        _kept(connection, principal, key, fingerprint)
    for home in _homes:
        if home.take is not None:
            home.take(connection, principal, key, fingerprint, now)


def _kept(connection: Connection, principal: str, key: str, fingerprint: bytes) -> tuple[Answer | None, bool]:
    """The kept answer, if there is one; and whether the key names nothing but this request in the rooms above.

    raises  KeyReused where the kept answer is another request's
    """
    found = connection.execute(_KEPT + _standing, {"principal": principal, "key": key}).fetchall()
    answers = [(standing, Answer(status, body)) for standing, status, body in found if status is not None]
    if any(standing != fingerprint for standing, _ in answers):
        raise KeyReused
    is_free_elsewhere = all(standing == fingerprint for standing, *_ in found)
    return next((answer for _, answer in answers), None), is_free_elsewhere


#: Of a record that only says that the key is taken.
_ON_ITS_OWN_ROW = Answer(0, {})

_KEPT = "SELECT fingerprint, status, body FROM core.idempotency WHERE principal = %(principal)s AND key = %(key)s"

_ELSEWHERE = " UNION ALL SELECT fingerprint, NULL, NULL FROM ({found}) AS elsewhere (fingerprint)"

_KEEP = """
    INSERT INTO core.idempotency (principal, key, fingerprint, status, body, kept_at)
    VALUES (%s, %s, %s, %s, %s::json, %s) ON CONFLICT DO NOTHING
"""
