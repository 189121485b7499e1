"""What an access token says (RFC 9068), and of whom."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from auth.keys import jwk
from auth.staff.roles import permissions_of
from core.web.principals import Principal

APP, ADMIN, MERCHANT, PARTNER = "app", "admin", "merchant", "partner"

#: Who each audience's tokens are for, and how long they are good.
KINDS: dict[str, Any] = {APP: "customer", ADMIN: "staff", MERCHANT: "terminal", PARTNER: "customer"}
TTLS = {
    APP: timedelta(minutes=10),
    ADMIN: timedelta(minutes=5),
    MERCHANT: timedelta(minutes=5),
    PARTNER: timedelta(minutes=10),
}

TYPE = "at+jwt"
REQUIRED = ["iss", "aud", "sub", "client_id", "jti", "iat", "exp"]


def of(principal: Principal, *, audience: str, scope: str, amr: Sequence[str], jkt: bytes | None) -> dict[str, Any]:
    """What a token says of this principal beyond what all of them say."""
    found: dict[str, Any] = {}
    if principal.family_id is not None:
        found["fam"] = str(principal.family_id)
    # Two partners that compare what they were given must not find the same customer.
    if principal.session_id is not None and audience != PARTNER:
        found["sid"] = str(principal.session_id)
    if scope:
        found["scope"] = scope
    if principal.auth_time:
        found |= {"auth_time": principal.auth_time, "acr": principal.acr}
    if amr:
        found["amr"] = list(amr)
    bound_to = jkt or principal.bound_to
    if bound_to is not None:
        found["cnf"] = {"jkt": jwk.b64url(bound_to)}
    if principal.kind == "staff":
        # Roles, and what was given beside them: what a role gives is worked out where the token is shown.
        found["roles"] = sorted(principal.roles)
        found["permissions"] = sorted(principal.permissions - permissions_of(principal.roles))
    if principal.kind == "terminal":
        found |= {"merchant_id": str(principal.merchant_id), "store_id": str(principal.store_id)}
    return found


def principal_of(claims: dict[str, Any], audience: str) -> Principal:
    """raises  KeyError, TypeError, ValueError for claims that are not ours"""
    is_terminal = audience == MERCHANT
    roles = frozenset(claims.get("roles", ())) if audience == ADMIN else frozenset[str]()
    return Principal(
        kind=KINDS[audience],
        id=UUID(claims["sub"]),
        permissions=permissions_of(roles, claims["permissions"]) if audience == ADMIN else frozenset(),
        roles=roles,
        merchant_id=UUID(claims["merchant_id"]) if is_terminal else None,
        store_id=UUID(claims["store_id"]) if is_terminal else None,
        client_id=claims["client_id"],
        session_id=UUID(claims["sid"]) if "sid" in claims else None,
        family_id=UUID(claims["fam"]) if "fam" in claims else None,
        auth_time=int(claims.get("auth_time", 0)),
        acr=str(claims.get("acr", "")),
        bound_to=bound_to(claims),
    )


def bound_to(claims: dict[str, Any]) -> bytes | None:
    """The thumbprint of the key that whoever uses the token has to prove (RFC 9449 section 6.1)."""
    if "cnf" not in claims:
        return None
    thumbprint = jwk.unb64url(claims["cnf"]["jkt"])
    if len(thumbprint) != 32:
        raise ValueError("no thumbprint")
    return thumbprint


def subjects_of(claims: dict[str, Any], kind: str) -> tuple[str, ...]:
    """All by which a token can be revoked."""
    found = [f"jti:{claims['jti']}", f"client:{claims['client_id']}", f"{kind}:{claims['sub']}"]
    for name, subject in (("fam", "family"), ("sid", "session"), ("store_id", "store"), ("merchant_id", "merchant")):
        if name in claims:
            found.append(f"{subject}:{claims[name]}")
    return tuple(found)
