"""Data keys under key-encryption keys: what wraps them, opens them, and wraps them anew when that key is changed."""

import base64
import os
import threading
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.db import Connection
from core.settings import Settings


class Keys:
    """What this process was given, and the data keys that it has opened.

    newest  the version that wraps from now on
    """

    def __init__(self, settings: Settings) -> None:
        pairs = (part.partition(":") for part in settings.key_encryption_keys.split(","))
        self.wrapping = {int(version): AESGCM(base64.b64decode(key)) for version, _, key in pairs}
        self.newest = settings.wrapping_key_version or max(self.wrapping)
        self.index = base64.b64decode(settings.index_key)
        self.cache: dict[UUID, tuple[float, AESGCM]] = {}
        self.lock = threading.Lock()


_keys: Keys | None = None


def load_keys(settings: Settings) -> None:
    global _keys
    _keys = Keys(settings)


def loaded() -> Keys:
    if _keys is None:
        raise RuntimeError("load_keys(settings) comes before any field is sealed")
    return _keys


def wrap(keys: Keys, owner_id: UUID, key: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + keys.wrapping[keys.newest].encrypt(nonce, key, owner_id.bytes)


def unwrap(keys: Keys, owner_id: UUID, kek_version: int, wrapped: bytes) -> AESGCM:
    return AESGCM(_opened(keys, owner_id, kek_version, wrapped))


def rewrap(connection: Connection, *, most: int) -> int:
    """Wrap up to `most` data keys by the key-encryption key that wraps now, which others did; returns how many.

    What is sealed stays as it is: the data keys are the same ones. Rows that somebody else is at are passed over
    """
    keys = loaded()
    rows = connection.execute(_OLD, {"now": keys.newest, "most": most}).fetchall()
    wrapped = [wrap(keys, row[0], _opened(keys, *row)) for row in rows]
    connection.execute(_REWRAP, [keys.newest, [row[0] for row in rows], wrapped])
    return len(rows)


def wrapped_by(connection: Connection) -> dict[int, int]:
    """By version of the key-encryption key, how many data keys it wraps."""
    return dict(connection.execute("SELECT kek_version, count(*) FROM core.data_key GROUP BY 1 ORDER BY 1").fetchall())


_OLD = """
    SELECT owner_id, kek_version, wrapped FROM core.data_key WHERE kek_version < %(now)s OR kek_version > %(now)s
     LIMIT %(most)s FOR UPDATE SKIP LOCKED
"""

_REWRAP = """
    UPDATE core.data_key k SET kek_version = %s, wrapped = n.wrapped
      FROM unnest(%s::uuid[], %s::bytea[]) AS n (owner_id, wrapped) WHERE k.owner_id = n.owner_id
"""


def _opened(keys: Keys, owner_id: UUID, kek_version: int, wrapped: bytes) -> bytes:
    wrapping = keys.wrapping.get(kek_version)
    if wrapping is None:
        raise RuntimeError(f"KEY_ENCRYPTION_KEYS lacks version {kek_version}, which wraps a data key")
    return wrapping.decrypt(wrapped[:12], wrapped[12:], owner_id.bytes)
