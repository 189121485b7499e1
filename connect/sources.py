"""Sources: who may post to the ingest door, by which write key."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from connect.errors import SourceUnknown, WriteKeyRevoked, WriteKeyUnknown
from connect.models import WriteKey
from core import clock, crypto
from core.db import statement
from core.settings import Settings

#: The source of a write key that was configured without a name.
UNNAMED = "outside"

#: For how long a process goes by the write keys that it has read: so soon after it was revoked a key is refused.
_KNOWN_SECONDS = 5.0

#: A key that is not known may have been made this moment, but whoever makes keys up must not make us look each time.
_LOOK_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Source:
    """trust: "client" or "server", as for `connect.models.WriteKey`"""

    name: str
    trust: str

    @property
    def is_server(self) -> bool:
        return self.trust == "server"


@dataclass(frozen=True, slots=True)
class _Kept:
    id: UUID
    source: Source
    is_revoked: bool
    last_used_on: date | None


class Sources:
    """The keys of `INGEST_WRITE_KEYS` ("name:key" or only "key", comma-separated; clients' all), and those that staff
    made. A source's name stands on all its events. Keys are compared by their HMAC, so timing tells nothing."""

    def __init__(self, settings: Settings, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._configured = {index_of(key): Source(name, "client") for name, key in _configured(settings)}
        self._kept: Mapping[bytes, _Kept] = {}
        self._seconds, self._read_at = seconds, float("-inf")

    def of(self, write_key: str) -> Source:
        """The source of a write key.

        raises   WriteKeyUnknown; WriteKeyRevoked at most 5 seconds after it was revoked
        effects  keeps the day on which a key was last used
        """
        index = index_of(write_key)
        configured = self._configured.get(index)
        if configured is not None:
            return configured
        kept = self._read(_KNOWN_SECONDS).get(index) or self._read(_LOOK_AGAIN_SECONDS).get(index)
        if kept is None:
            raise WriteKeyUnknown
        if kept.is_revoked:
            raise WriteKeyRevoked
        self._use(kept)
        return kept.source

    def _read(self, most_seconds: float) -> Mapping[bytes, _Kept]:
        now = self._seconds()
        if now - self._read_at >= most_seconds:
            with statement() as connection:
                rows = connection.execute(
                    "SELECT key_index, id, source, trust, status, last_used_on FROM connect.write_key"
                ).fetchall()
            self._kept = {
                bytes(index): _Kept(id_, Source(name, trust), status == "revoked", last_used_on)
                for index, id_, name, trust, status, last_used_on in rows
            }
            self._read_at = now
        return self._kept

    def _use(self, kept: _Kept) -> None:
        today = clock.now().date()
        if kept.last_used_on is None or kept.last_used_on < today:
            with statement() as connection:
                connection.execute(
                    "UPDATE connect.write_key SET last_used_on = %s"
                    " WHERE id = %s AND (last_used_on IS NULL OR last_used_on < %s)",
                    [today, kept.id, today],
                )
            self._read_at = float("-inf")


def check(session: Session, source: str, *, settings: Settings) -> None:
    """See that events come, or came, from this source.

    raises  SourceUnknown
    """
    kept = select(WriteKey.id).where(WriteKey.source == source).limit(1)
    if source not in {name for name, _ in _configured(settings)} and session.scalar(kept) is None:
        raise SourceUnknown


def _configured(settings: Settings) -> list[tuple[str, str]]:
    """(source, key) of each."""
    parts = (part.strip().rpartition(":") for part in settings.ingest_write_keys.split(","))
    return [(name or UNNAMED, key) for name, _, key in parts if key]


def index_of(write_key: str) -> bytes:
    # Half a surrogate pair, which JSON may hold, is no key of ours, but no reason to fail.
    return crypto.blind_index("connect.write_key", write_key.encode("utf-8", "replace").decode())
