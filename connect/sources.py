"""Sources: who may post to the ingest door. Each write key of the settings names one."""

from collections.abc import Mapping

from core import crypto
from core.settings import Settings

#: The source of a write key that was configured without a name.
UNNAMED = "outside"


class Sources:
    """`INGEST_WRITE_KEYS` is "name:key" or only "key", comma-separated; a source's name stands on all its events."""

    def __init__(self, settings: Settings) -> None:
        self._names: Mapping[bytes, str] = {
            _index(key): name or UNNAMED
            for name, _, key in (part.strip().rpartition(":") for part in settings.ingest_write_keys.split(","))
            if key
        }

    def name_of(self, write_key: str) -> str | None:
        """The source of a write key; None for a wrong one. Keys are compared by their HMAC, so timing tells nothing."""
        return self._names.get(_index(write_key))


def _index(write_key: str) -> bytes:
    return crypto.blind_index("connect.write_key", write_key)
