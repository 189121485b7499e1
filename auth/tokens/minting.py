"""Making access tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from auth.keys import ring
from auth.tokens import claims
from core.web.principals import Principal


def mint(
    principal: Principal,
    *,
    audience: str,
    client_id: str,
    now: datetime,
    ttl: timedelta | None = None,
    scope: str = "",
    amr: Sequence[str] = (),
    subject: str | None = None,
    jkt: bytes | None = None,
) -> str:
    """An access token for this principal, good for its audience's door alone.

    units    ttl: the audience's own when not given
    subject  what a partner knows the customer by
    jkt      thumbprint of the key that each request with the token has to prove
    """
    if claims.KINDS[audience] != principal.kind:
        raise ValueError(f"a {principal.kind} has no business at the door {audience}")
    if (audience == claims.PARTNER) != (subject is not None):
        raise ValueError("a partner, and nobody else, knows a customer by another name")
    issued = int(now.timestamp())
    return ring.sign(
        {
            "iss": ring.issuer(),
            "aud": audience,
            "sub": subject or str(principal.id),
            "client_id": client_id,
            "jti": str(uuid4()),
            "iat": issued,
            "exp": issued + int((ttl or claims.TTLS[audience]).total_seconds()),
            **claims.of(principal, audience=audience, scope=scope, amr=amr, jkt=jkt),
        },
        typ=claims.TYPE,
    )
