"""How a refresh token is spelt: it says which family's and which of its tokens it is, and proves that we made it.

    pf_rt_ + base64url(family 16 | generation 4 | secret 32 | mac 16)

So an old one is still known for ours when nothing but the newest one's HMAC is kept, and one that we never made asks
the database nothing.
"""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from core import crypto

_PREFIX = "pf_rt_"
#: 68 bytes take 91 characters; the last of them has two bits to spare, which are 0: each token is spelt one way.
_SHAPE = re.compile(r"pf_rt_[A-Za-z0-9_-]{90}[AEIMQUYcgkosw048]\Z")
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token of ours, of whatever age; its MAC was right."""

    family_id: UUID
    generation: int
    secret: bytes


def new_secret() -> bytes:
    return secrets.token_bytes(32)


def spell(family_id: UUID, generation: int, secret: bytes) -> str:
    said = family_id.bytes + generation.to_bytes(4) + secret
    return _PREFIX + base64.urlsafe_b64encode(said + _mac(said)).decode().rstrip("=")


def read(text: str) -> Presented | None:
    """What a token says, or None for what we did not make."""
    if not _SHAPE.match(text):
        return None
    data = base64.urlsafe_b64decode(text[len(_PREFIX) :] + "=")
    said, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
    if not hmac.compare_digest(_mac(said), mac):
        return None
    return Presented(UUID(bytes=said[:16]), int.from_bytes(said[16:20]), said[20:])


def successor(secret: bytes) -> bytes:
    """The secret that follows this one, the same whenever it is asked for."""
    return crypto.blind_index("auth.refresh_token.successor", secret.hex())


def kept(secret: bytes) -> bytes:
    """What is stored of a secret."""
    return crypto.blind_index("auth.refresh_token", secret.hex())


def _mac(said: bytes) -> bytes:
    return crypto.blind_index("auth.refresh_token.mac", said.hex())[:_MAC_BYTES]
