"""Id tokens that come back to us as a hint of whom a client means: ours by their signature, of whatever age."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from auth import tokens
from auth.keys import ring
from core import clock

#: As long as a session can last: older ones lead nowhere.
OLDEST = timedelta(days=180)
_LONGEST = 8_192
_ALGORITHMS = ["ES256", "RS256"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """sid: what the client knows the sign-in by: our session, or for a partner its own token family"""

    client_id: str
    sub: str
    sid: UUID | None


def read(token: str, *, now: datetime | None = None) -> Hint | None:
    """What an id token of ours says, also one that ran out; None for whatever else."""
    if len(token) > _LONGEST or not token.isascii():
        return None
    try:
        header = jwt.get_unverified_header(token)
        key = ring.public(str(header.get("kid", "")))
        if key is None or header.get("typ") != "JWT" or header.get("alg") not in _ALGORITHMS:
            return None
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[header["alg"]],
            issuer=tokens.issuer(),
            options={"verify_exp": False, "verify_iat": False, "verify_aud": False, "require": ["aud", "sub", "iat"]},
        )
        issued, client_id, sub = claims["iat"], claims["aud"], claims["sub"]
        sid = UUID(claims["sid"]) if "sid" in claims else None
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
        return None
    is_text = isinstance(client_id, str) and isinstance(sub, str)
    if not is_text or type(issued) is not int or (now or clock.now()).timestamp() > issued + OLDEST.total_seconds():
        return None
    return Hint(client_id=client_id, sub=sub, sid=sid)
