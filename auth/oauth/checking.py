"""What a client has to be like before it is registered."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from auth.authorizing import redirects
from auth.oauth import clients, scopes
from auth.oauth.clients import Client
from auth.oauth.errors import ClientInvalid
from auth.oauth.metadata import DEVICE_GRANT, EXCHANGE_GRANT
from core.gateways import webhooks

_CODE, _REFRESH = "authorization_code", "refresh_token"
#: What each kind may be given. Tills are enrolled, not registered.
GRANTS = {
    clients.APP: {_CODE, _REFRESH, DEVICE_GRANT, EXCHANGE_GRANT},
    clients.PARTNER: {_CODE, _REFRESH},
    clients.STAFF: {_CODE, _REFRESH},
    clients.TILL: {DEVICE_GRANT},
}
_SCOPES = {
    clients.APP: set(scopes.ALL),
    clients.PARTNER: set(scopes.ALL) - {scopes.DEVICE_SSO},
    clients.STAFF: {scopes.OPENID, scopes.OFFLINE},
    clients.TILL: set(),
}
_MOST_URIS, _MOST_KEYS = 20, 10
_LEAST_RSA_BITS = 2_048
_SECRET_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

_Fault = tuple[str, str]


def check(client: Client, *, may_be_local: bool) -> None:
    """raises  ClientInvalid, with each fault"""
    faults = [*_of_grants(client), *_of_addresses(client, may_be_local), *_of_keys(client), *_of_names(client)]
    if faults:
        raise ClientInvalid(errors=[{"pointer": pointer, "detail": detail} for pointer, detail in faults])


def host_of_all(redirect_uris: Iterable[str]) -> str | None:
    """The host that all of them share."""
    try:
        hosts = {urlsplit(uri).hostname for uri in redirect_uris}
    except ValueError:
        return None
    return hosts.pop() if len(hosts) == 1 else None


def _of_grants(client: Client) -> Iterator[_Fault]:
    for grant_type in sorted(client.grant_types - GRANTS[client.kind]):
        yield "/grant_types", f"This kind of client is not given {grant_type}."
    if not client.grant_types:
        yield "/grant_types", "A client without any comes in nowhere."
    for scope in sorted(set(client.scopes) - _SCOPES[client.kind]):
        yield "/scopes", f"This kind of client is not given {scope}."
    if client.kind == clients.PARTNER and _CODE in client.grant_types and not client.redirect_uris:
        yield "/redirect_uris", "A partner's sign-in ends at one of these: name one."
    if client.kind != clients.PARTNER and client.is_confidential:
        yield "/auth_method", "What runs on people's devices keeps no secret: only partners have one."


def _of_addresses(client: Client, may_be_local: bool) -> Iterator[_Fault]:
    for field, uris in (("redirect_uris", client.redirect_uris), ("logout_uris", client.logout_uris)):
        if len(uris) > _MOST_URIS:
            yield f"/{field}", f"At most {_MOST_URIS}."
        for position, uri in enumerate(uris):
            if not redirects.is_registrable(uri, may_be_local=may_be_local):
                yield (
                    f"/{field}/{position}",
                    "Must be https, an app's own scheme (com.example.app:/…) or a loopback address, in full: without "
                    "a fragment, a user or a wildcard.",
                )
    if client.back_channel_uri is not None:
        try:
            webhooks.check_url(client.back_channel_uri, may_be_local=may_be_local)
        except webhooks.Unsafe as unsafe:
            yield "/back_channel_uri", str(unsafe)


def _of_keys(client: Client) -> Iterator[_Fault]:
    if (client.auth_method == clients.PRIVATE_KEY) != (client.key_set is not None):
        yield "/key_set", "Goes with private_key_jwt, and with nothing else."
    if client.key_set is None:
        return
    keys = client.key_set.get("keys")
    if set(client.key_set) != {"keys"} or not isinstance(keys, list) or not 0 < len(keys) <= _MOST_KEYS:
        yield "/key_set", f'Must be a JWK set: {{"keys": [...]}} with one to {_MOST_KEYS} keys.'
        return
    for position, key in enumerate(keys):
        if not _is_public_key(key):
            yield f"/key_set/keys/{position}", "Must be a public key: P-256, Ed25519, or RSA of 2048 bits and more."


def _is_public_key(given: Any) -> bool:
    if not isinstance(given, dict) or not _SECRET_MEMBERS.isdisjoint(given):
        return False
    try:
        key = jwt.PyJWK(given).key
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError):
        return False
    if isinstance(key, ec.EllipticCurvePublicKey):
        return isinstance(key.curve, ec.SECP256R1)
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= _LEAST_RSA_BITS
    return isinstance(key, ed25519.Ed25519PublicKey)


def _of_names(client: Client) -> Iterator[_Fault]:
    if client.kind == clients.PARTNER and client.sector is None:
        yield "/sector", "Name it where the redirect URIs' hosts differ: a customer's name there is made of it."
    if client.kind != clients.PARTNER and client.sector is not None:
        yield "/sector", "Only partners know customers by another name."
    if client.kind != clients.APP and client.sso_group is not None:
        yield "/sso_group", "Only the brand's own apps share a sign-in."
