"""Every kind of principal that a request may come from, and one of each to ask with."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from auth import customers, merchants, tokens
from auth.tokens import revocations
from core import clock, ids
from core.db import transaction
from core.settings import Settings
from core.web.principals import Principal
from rewards.tills.sandbox import places
from rewards.tills.sandbox.places import Wish
from tests.house.matrix.things import customer_with, public_key, shop

KINDS = {
    "nobody": "no header at all",
    "forged": "a token that somebody else has signed",
    "expired": "a token that was good an hour ago",
    "wrong_type": "a token of ours of another type, as id tokens are",
    "source_key": "a write key",
    "client": "the app's client id, as Basic authentication",
    "partner": "a token for another audience",
    "customer": "the owner, who has just signed in",
    "stale_customer": "the owner, who signed in a day ago",
    "other_customer": "another customer",
    "sandbox_customer": "a sandbox's customer",
    "revoked_customer": "a customer whose tokens were revoked: suspended, or being erased",
    "staff": "one with the permission alone, or with none where none is asked for",
    "staff_without": "one with every other permission",
    "revoked_staff": "one who was suspended",
    "till": "the owner's",
    "other_stores_till": "of the same merchant",
    "other_merchants_till": "of another merchant",
    "sandbox_till": "of a sandbox",
    "revoked_till": "one that was suspended",
}


@dataclass(frozen=True)
class Callers:
    """One of each kind; a member of staff is made for the operation that they ask."""

    headers: Mapping[str, Mapping[str, str]]

    def headers_of(self, kind: str, permission: str, all_permissions: frozenset[str]) -> Mapping[str, str]:
        if kind not in _STAFF:
            return self.headers[kind]
        held = all_permissions - {permission} if kind == "staff_without" else {permission}
        who = Principal("staff", _STAFF[kind], permissions=frozenset(held))
        return {"Authorization": f"Bearer {_minted(who, tokens.ADMIN)}"}


_STAFF = {kind: ids.new() for kind in ("staff", "staff_without", "revoked_staff")}


def of(owner: Principal, till: Principal, write_key: str, app: Flask) -> Callers:
    """Everybody, where the customer `owner` and the terminal `till` own what there is.

    effects  revokes the tokens of three that are suspended
    """
    other = customer_with(app, "+12025550177").principal
    with transaction() as session:
        sandboxed = replace(other, id=customers.add_sandbox(session, now=clock.now()))
    revoked = customer_with(app, "+12025550178").principal
    suspended_till = _till(till.merchant_id, till.store_id)
    with transaction() as session:
        for subject in (revoked.name, suspended_till.name, f"staff:{_STAFF['revoked_staff']}"):
            # Of a minute ahead: a member of staff is made for each operation that they ask.
            revocations.add(session, subject, now=clock.now() + timedelta(minutes=1))
    return Callers(
        {
            "nobody": {},
            "forged": _bearer(_forged(owner)),
            "expired": _bearer(_minted(owner, tokens.APP, ago=timedelta(hours=1))),
            "wrong_type": _bearer(_retyped(owner)),
            "source_key": _basic(write_key),
            "client": _basic("pocketful-app"),
            "partner": _bearer(_retyped(owner, typ="at+jwt", aud="partner")),
            "customer": _bearer(_minted(owner, tokens.APP)),
            "stale_customer": _bearer(_minted(replace(owner, auth_time=owner.auth_time - 86_400), tokens.APP)),
            "other_customer": _bearer(_minted(other, tokens.APP)),
            "sandbox_customer": _bearer(_minted(sandboxed, tokens.APP)),
            "revoked_customer": _bearer(_minted(revoked, tokens.APP)),
            "till": _bearer(_minted(till, tokens.MERCHANT)),
            "other_stores_till": _bearer(_minted(_till(till.merchant_id, _store(till.merchant_id)), tokens.MERCHANT)),
            "other_merchants_till": _bearer(_minted(_till(*shop()), tokens.MERCHANT)),
            "sandbox_till": _bearer(_minted(_sandbox_till(), tokens.MERCHANT)),
            "revoked_till": _bearer(_minted(suspended_till, tokens.MERCHANT)),
        }
    )


def _till(merchant_id: UUID | None, store_id: UUID | None) -> Principal:
    return Principal("terminal", ids.new(), merchant_id=merchant_id, store_id=store_id)


def _sandbox_till() -> Principal:
    wish = Wish(name="Till Works", public_key=public_key())
    with transaction() as session:
        sandbox = places.create(session, wish, actor="staff:test", now=clock.now())
        return merchants.principal_of(merchants.till_of(session, sandbox.terminal_id))


def _store(merchant_id: UUID | None) -> UUID:
    assert merchant_id
    with transaction() as session:
        return merchants.add_store(session, merchant_id=merchant_id, name="Other St", now=clock.now()).id


def _minted(who: Principal, audience: str, *, ago: timedelta = timedelta()) -> str:
    return tokens.mint(who, audience=audience, client_id="test", now=clock.now() - ago, ttl=timedelta(minutes=5))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _basic(name: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:'.encode()).decode()}"}


def _forged(who: Principal) -> str:
    """The claims and headers of a real token, under a key of the forger's."""
    real = _minted(who, tokens.APP)
    claims = jwt.decode(real, options={"verify_signature": False})
    return jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers=jwt.get_unverified_header(real))


def _retyped(who: Principal, *, typ: str = "JWT", **changes: str) -> str:
    """A real token's claims, changed, signed again with our own key."""
    real = _minted(who, tokens.APP)
    claims = jwt.decode(real, options={"verify_signature": False}) | changes
    scalar = int.from_bytes(base64.b64decode(Settings().token_signing_key))
    headers = jwt.get_unverified_header(real) | {"typ": typ}
    return jwt.encode(claims, ec.derive_private_key(scalar, ec.SECP256R1()), "ES256", headers=headers)
