"""Id tokens (OpenID Connect Core section 2): who signed in, when and how, told to one client."""

import base64
import hashlib
from datetime import datetime, timedelta
from typing import Any

import jwt

from auth.keys import ring
from auth.oauth import pairwise
from auth.oauth.clients import Client
from auth.proofs import Grant

_LONGEST = 8_192
_ALGORITHMS = ("ES256", "RS256")


def make(client: Client, grant: Grant, *, access_token: str, now: datetime, lifetime: int = 600) -> str:
    """An id token. Nothing personal stands in it; that is userinfo's.

    units  lifetime: seconds
    """
    owner, issued = grant.proved.owner, int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": ring.issuer(),
        "sub": pairwise.sub_of(client, owner.customer_id) if owner.customer_id else str(owner.id),
        "aud": client.client_id,
        "iat": issued,
        "exp": issued + lifetime,
        "auth_time": int(grant.proved.auth_time.timestamp()),
        "acr": grant.proved.acr,
        "amr": list(grant.proved.amr),
        "sid": sid_of(client, grant),
        "at_hash": _half_hash(access_token),
    }
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if grant.device_secret is not None:
        claims["ds_hash"] = ds_hash(grant.device_secret)
    return ring.sign(claims, typ="JWT", alg=client.id_token_alg)


def read(token: str, *, now: datetime, oldest: timedelta) -> dict[str, Any] | None:
    """What an id token of ours says that comes back to us, also one that ran out, or that a retired key has signed.
    Its `aud`, `sub` and `iat` are there; None for whatever else.

    oldest  how long ago it may have been issued
    """
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
            issuer=ring.issuer(),
            options={"verify_exp": False, "verify_iat": False, "verify_aud": False, "require": ["aud", "sub", "iat"]},
        )
    except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError):
        return None
    if not isinstance(claims["aud"], str) or not isinstance(claims["sub"], str) or type(claims["iat"]) is not int:
        return None
    return claims if now.timestamp() <= claims["iat"] + oldest.total_seconds() else None


def sid_of(client: Client, grant: Grant) -> str:
    """The session as a client knows it: partners by their own family, so that two of them cannot tell that they share
    one."""
    return str(grant.session_id if client.is_first_party else grant.family_id)


def ds_hash(device_secret: str) -> str:
    """What binds an id token to a device_secret; OpenID Native SSO leaves it to us."""
    return _base64url(hashlib.sha256(device_secret.encode()).digest())


def _half_hash(text: str) -> str:
    return _base64url(hashlib.sha256(text.encode()).digest()[:16])


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
