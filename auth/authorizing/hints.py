"""Id tokens that come back to us as a hint of whom a client means: ours by their signature, of whatever age."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth.oauth import id_tokens
from core import clock

#: As long as a session can last: older ones lead nowhere.
OLDEST = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """sid: what the client knows the sign-in by: our session, or for a partner its own token family"""

    client_id: str
    sub: str
    sid: UUID | None


def read(token: str, *, now: datetime | None = None) -> Hint | None:
    """What an id token of ours says, also one that ran out; None for whatever else."""
    claims = id_tokens.read(token, now=now or clock.now(), oldest=OLDEST)
    if claims is None:
        return None
    try:
        sid = UUID(claims["sid"]) if "sid" in claims else None
    except (ValueError, TypeError, AttributeError):
        return None
    return Hint(client_id=claims["aud"], sub=claims["sub"], sid=sid)
