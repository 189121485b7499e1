"""Which client is asking, and that it is: once for every endpoint that only clients may ask (RFC 6749 section 2.3)."""

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import unquote_plus

from auth import limits, opaque
from auth.errors import OAuthRefusal
from auth.limits import Limit
from auth.oauth import assertions, clients
from auth.oauth.clients import Client
from auth.oauth.errors import OAuthError, invalid_client, invalid_request
from auth.tokens import revocations
from core.db import transaction

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

#: Of wrong secrets only: 256 random bits are not guessed, so who has the right one never waits, and nobody can lock a
#: partner out from elsewhere.
_WRONG_SECRETS = Limit("client_secret", 30, timedelta(minutes=1))


def authenticate(
    given: Mapping[str, str], *, authorization: str | None, address: str, endpoint: str, now: datetime
) -> Client:
    """The client of a request, by exactly one of the ways there are.

    given          the parameters of the body
    authorization  the header of that name
    endpoint       this endpoint's path: an assertion may be meant for it
    raises         OAuthError: invalid_request for two ways at once, invalid_client, slow_down (429)
    effects        a wrong secret counts, by client and address
    """
    revocations.look(now)  # a client that was suspended within the last seconds may be kept as it was
    basic = _basic(authorization)
    ways = [basic is not None and bool(basic[1]), "client_secret" in given, "client_assertion" in given]
    if sum(ways) > 1:
        raise invalid_request("Authenticate the client in one way, not two")
    if "client_assertion" in given:
        return _by_assertion(given, endpoint=endpoint, now=now)
    named = basic[0] if basic is not None else given.get("client_id")
    if not named:
        raise invalid_request("client_id is missing")
    if given.get("client_id", named) != named:
        raise invalid_client("client_id is not whom the Authorization header names")
    client = clients.find(named)
    if client is None or not client.is_active:
        raise invalid_client("There is no such client")

    # requests-oauthlib sends a public client's id with an empty password.
    secret = basic[1] if basic is not None and basic[1] else given.get("client_secret")
    method = clients.NO_SECRET if secret is None else (clients.BASIC if basic is not None else clients.POST)
    if method != client.auth_method:
        raise invalid_client(f"This client authenticates by {client.auth_method}")
    if secret is not None and not _is_secret(client, secret, now):
        raise _wrong_secret(client, address, now)
    return client


def kept_secret(client_id: str, secret: str) -> bytes:
    """What is stored of a client's secret."""
    return opaque.kept("client_secret", f"{client_id}:{secret}")


def _by_assertion(given: Mapping[str, str], *, endpoint: str, now: datetime) -> Client:
    if given.get("client_assertion_type") != ASSERTION_TYPE:
        raise invalid_request(f"client_assertion_type has to be {ASSERTION_TYPE}")
    client = assertions.verify(given["client_assertion"], endpoint=endpoint, now=now)
    if given.get("client_id", client.client_id) != client.client_id:
        raise invalid_client("client_id is not whom the assertion names")
    return client


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Name and password of the header; form-encoded in it, says RFC 6749."""
    if authorization is None:
        return None
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise invalid_client("Clients authenticate by Basic, by client_secret or by client_assertion")
    try:
        name, colon, password = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except ValueError as error:
        raise invalid_client("The Authorization header cannot be read") from error
    if not colon:
        raise invalid_client("The Authorization header cannot be read")
    return unquote_plus(name), unquote_plus(password)


def _is_secret(client: Client, secret: str, now: datetime) -> bool:
    presented = kept_secret(client.client_id, secret)
    is_newest = client.secret is not None and hmac.compare_digest(client.secret, presented)
    is_former = (
        client.former_secret is not None
        and client.former_until is not None
        and now < client.former_until
        and hmac.compare_digest(client.former_secret, presented)
    )
    return is_newest or is_former


def _wrong_secret(client: Client, address: str, now: datetime) -> OAuthError:
    with transaction() as session:
        wait = limits.take(session, [(_WRONG_SECRETS, f"{client.client_id} {address}")], now=now)
    if wait is not None:
        return OAuthError(
            OAuthRefusal("slow_down", "Too many wrong secrets; try again later", status=429, retry_after_seconds=wait)
        )
    return invalid_client("This is not the client's secret")
