"""Device secrets of sessions in a browser: an app that signs in with the system's browser shares its session, whose
handle is the browser's cookie. So its secret names the session, and our own MAC stands behind it: nothing is kept, and
the same secret can be told again to the next app.
"""

import base64
import hmac
from uuid import UUID

from core import crypto

_PREFIX = "ds_"
_BYTES = 16 + 32


def of_browser(session_id: UUID) -> str:
    return _PREFIX + base64.urlsafe_b64encode(session_id.bytes + _mac(session_id)).decode()


def browser_session(device_secret: str) -> UUID | None:
    """Which session in a browser a secret is of; None for one that we did not make."""
    if not device_secret.startswith(_PREFIX) or not device_secret.isascii():
        return None
    try:
        given = base64.urlsafe_b64decode(device_secret.removeprefix(_PREFIX))
    except ValueError:
        return None
    if len(given) != _BYTES:
        return None
    session_id = UUID(bytes=given[:16])
    return session_id if hmac.compare_digest(given[16:], _mac(session_id)) else None


def _mac(session_id: UUID) -> bytes:
    return crypto.blind_index("auth.session.device_secret", str(session_id))
