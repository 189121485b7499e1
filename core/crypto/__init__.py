"""Field encryption: personal data under each owner's own data key, and blind indexes to look it up by.

A data key is 32 random bytes, stored only wrapped (AES-GCM) under a versioned key-encryption key. Destroying the row
destroys everything sealed under it, in backups made later too; other processes forget a cached key within a minute.
A key that this transaction made is cached with the session only: rolled back and made anew, the owner has another key,
and what was sealed under the first would open for nobody.
"""

import hmac
import os
import time
from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Index, LargeBinary, SmallInteger, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.crypto import wrapping
from core.crypto.wrapping import Keys, load_keys
from core.db import Base, connection_of
from core.errors import Kind, Refusal

__all__ = [
    "DataKey", "Erased", "blind_index", "create_data_keys", "destroy_data_key", "fetch_data_keys", "forget_cached",
    "indexer", "load_keys", "seal", "sealer", "unseal",
]  # fmt: skip

_CACHE_SECONDS = 60
_CACHE_SIZE = 10_000


class Erased(Refusal):
    code = "erased"
    kind = Kind.NOT_FOUND
    title = "What was kept here has been erased"


class DataKey(Base):
    """One owner's data key, wrapped; the owner is a customer (or another person whose data we hold)."""

    __tablename__ = "data_key"
    __table_args__ = (Index(None, "kek_version"), {"schema": "core"})

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    kek_version: Mapped[int] = mapped_column(SmallInteger)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)


def blind_index(purpose: str, text: str) -> bytes:
    """32 bytes that find a value again without telling it: HMAC-SHA256 over its purpose and its normalised text."""
    return hmac.digest(wrapping.loaded().index, purpose.encode() + b"\0" + text.encode(), "sha256")


def indexer(purpose: str) -> Callable[[str], bytes]:
    """`blind_index` of many texts for one purpose, at half the price."""
    begun = hmac.new(wrapping.loaded().index, purpose.encode() + b"\0", "sha256")

    def index_one(text: str) -> bytes:
        own = begun.copy()
        own.update(text.encode())
        return own.digest()

    return index_one


def create_data_keys(session: Session, owner_ids: Iterable[UUID]) -> None:
    """Give each owner a data key; an owner that has one keeps it."""
    keys = wrapping.loaded()
    owners = list(owner_ids)
    if owners:
        rows = [
            {"owner_id": owner, "kek_version": keys.newest, "wrapped": wrapping.wrap(keys, owner, os.urandom(32))}
            for owner in owners
        ]
        session.execute(insert(DataKey).on_conflict_do_nothing(), rows)
        _made_here(session).update(dict.fromkeys(owners))


def seal(session: Session, *, owner_id: UUID, place: str, row_id: UUID, text: str) -> bytes:
    """The ciphertext of one field. `place` is "table.column"; it opens nowhere else.

    raises  Erased when the owner has no data key (any more)
    """
    nonce = os.urandom(12)
    return nonce + _data_key(session, owner_id).encrypt(nonce, text.encode(), _aad(place, row_id))


def sealer(session: Session, *, owner_id: UUID, place: str) -> Callable[[UUID, str], bytes]:
    """`seal` for many rows of one owner, who is looked up now and not again: sealing asks the database nothing, so it
    may go on while the connection is busy with a COPY.

    raises  Erased when the owner has no data key (any more)
    """
    encrypt = _data_key(session, owner_id).encrypt
    nonces = _nonces()

    def seal_row(row_id: UUID, text: str) -> bytes:
        nonce = next(nonces)
        return nonce + encrypt(nonce, text.encode(), _aad(place, row_id))

    return seal_row


def unseal(session: Session, *, owner_id: UUID, place: str, row_id: UUID, ciphertext: bytes) -> str:
    """The text of a sealed field.

    raises  Erased when the owner's data key is gone, or the field was moved from another row
    """
    try:
        return _data_key(session, owner_id).decrypt(ciphertext[:12], ciphertext[12:], _aad(place, row_id)).decode()
    except InvalidTag as error:
        raise Erased from error


def fetch_data_keys(session: Session, owner_ids: Iterable[UUID]) -> None:
    """Bring many owners' keys into the cache with one query, before a batch is sealed or opened."""
    keys = wrapping.loaded()
    missing = [owner_id for owner_id in set(owner_ids) if _cached(session, keys, owner_id) is None]
    if missing:
        # As plain rows: a broadcast fetches a hundred thousand, each once.
        for row in connection_of(session).execute(_FETCH, [missing]):
            _remember(session, keys, row[0], wrapping.unwrap(keys, *row))


_FETCH = "SELECT owner_id, kek_version, wrapped FROM core.data_key WHERE owner_id = ANY(%s)"


def destroy_data_key(session: Session, owner_id: UUID) -> None:
    """Make everything sealed for this owner unreadable, for ever."""
    session.execute(delete(DataKey).where(DataKey.owner_id == owner_id))
    _made_here(session).pop(owner_id, None)
    wrapping.loaded().cache.pop(owner_id, None)


def forget_cached() -> None:
    """Ask the database for every key anew."""
    wrapping.loaded().cache.clear()


def _data_key(session: Session, owner_id: UUID) -> AESGCM:
    keys = wrapping.loaded()
    cached = _cached(session, keys, owner_id)
    if cached is not None:
        return cached
    row = connection_of(session).execute(_FETCH, [[owner_id]]).fetchone()
    if row is None:
        raise Erased
    return _remember(session, keys, owner_id, wrapping.unwrap(keys, *row))


def _made_here(session: Session) -> dict[UUID, AESGCM | None]:
    """The owners whose keys this session's transaction may have made, with those that it has used."""
    made: dict[UUID, AESGCM | None] = session.info.setdefault("data_keys", {})
    return made


def _cached(session: Session, keys: Keys, owner_id: UUID) -> AESGCM | None:
    made = _made_here(session)
    if owner_id in made:
        return made[owner_id]
    found = keys.cache.get(owner_id)
    return found[1] if found and found[0] > time.monotonic() else None


def _remember(session: Session, keys: Keys, owner_id: UUID, key: AESGCM) -> AESGCM:
    made = _made_here(session)
    if owner_id in made:
        made[owner_id] = key
        return key
    with keys.lock:
        if len(keys.cache) >= _CACHE_SIZE:
            keys.cache.clear()
        keys.cache[owner_id] = (time.monotonic() + _CACHE_SECONDS, key)
    return key


def _nonces() -> Iterator[bytes]:
    """Random nonces, many from one look at the system's randomness."""
    while True:
        drawn = os.urandom(12 * 1_000)
        for start in range(0, len(drawn), 12):
            yield drawn[start : start + 12]


def _aad(place: str, row_id: UUID) -> bytes:
    return f"{place}|{row_id}".encode()
