"""Id tokens (OpenID Connect Core section 2): who signed in, when and how, told to one client."""

import base64
import hashlib
from datetime import datetime
from typing import Any

from auth.keys import ring
from auth.oauth import pairwise
from auth.oauth.clients import Client
from auth.proofs import Grant


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
