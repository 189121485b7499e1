"""Authlib's own client, unmodified, over TLS: a whole sign-in, and everything after it."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc6749.errors import MismatchingStateException
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken, UserInfo
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from auth.oauth.clients import Client
from tests.auth import partners
from tests.auth.clients.python.conftest import SECRET
from tests.auth.conftest import PHONE
from tests.auth.partners import REDIRECT_URI
from tests.auth.robot import Robot
from tests.auth.tls import Site

SCOPE = "openid offline_access phone"


def session_of(client_id: str, site: Site, **options: Any) -> Any:
    session = OAuth2Session(client_id, scope=SCOPE, redirect_uri=REDIRECT_URI, code_challenge_method="S256", **options)
    session.verify = site.authority
    return session


def sign_in(session: Any, metadata: dict[str, str], robot: Robot, **asked: str) -> dict[str, Any]:
    """The tokens of a whole sign-in: authorize, the pages, the code."""
    verifier = generate_token(48)
    url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, **asked)
    landed = robot.sign_in(url)
    assert landed.startswith(f"{REDIRECT_URI}?")
    token: dict[str, Any] = session.fetch_token(
        metadata["token_endpoint"], authorization_response=landed, code_verifier=verifier, state=state
    )
    return token


def opened(id_token: str, metadata: dict[str, str], site: Site, **params: Any) -> Any:
    """The claims of an id token as Authlib's client checks them."""
    keys = requests.get(metadata["jwks_uri"], verify=site.authority, timeout=30).json()
    decoded = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=["ES256", "RS256"])
    claims = CodeIDToken(
        decoded.claims, decoded.header, {"iss": {"essential": True, "value": metadata["issuer"]}}, params
    )
    claims.validate()
    return claims


def test_a_whole_sign_in_with_a_secret(partner: Client, metadata: dict[str, str], site: Site, robot: Robot) -> None:
    session = session_of("books", site, client_secret=SECRET)
    token = sign_in(session, metadata, robot, nonce="n-1")

    claims = opened(
        token["id_token"], metadata, site, nonce="n-1", client_id="books", access_token=token["access_token"]
    )
    told = UserInfo(session.get(metadata["userinfo_endpoint"]).json())
    assert (told.sub, told.phone_number) == (claims["sub"], PHONE)

    former = session.token["refresh_token"]
    newer = session.refresh_token(metadata["token_endpoint"])
    assert newer["refresh_token"] != former
    assert session.introspect_token(metadata["introspection_endpoint"], token=newer["access_token"]).json()["active"]

    assert session.revoke_token(metadata["revocation_endpoint"], token=newer["refresh_token"]).status_code == 200
    assert session.get(metadata["userinfo_endpoint"]).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token(metadata["token_endpoint"], newer["refresh_token"])


def test_a_public_client_signs_in_with_its_verifier_alone(
    public_partner: Client, metadata: dict[str, str], site: Site, robot: Robot
) -> None:
    session = session_of("shop", site, token_endpoint_auth_method="none")

    token = sign_in(session, metadata, robot)

    assert opened(token["id_token"], metadata, site, client_id="shop")["sid"]
    assert session.refresh_token(metadata["token_endpoint"])["access_token"]


def test_a_client_shows_itself_by_what_it_signs(
    database: None, sweeper: psycopg.Connection, metadata: dict[str, str], site: Site, robot: Robot
) -> None:
    key = ECKey.generate_key("P-256")
    public = key.as_dict(private=False)
    with partners.client(sweeper, "signs", auth_method="private_key_jwt", key_set={"keys": [public]}):
        session = session_of("signs", site, client_secret=key, token_endpoint_auth_method="private_key_jwt")
        session.register_client_auth_method(PrivateKeyJWT(metadata["token_endpoint"], alg="ES256"))

        token = sign_in(session, metadata, robot)

        assert opened(token["id_token"], metadata, site, client_id="signs")
        assert session.refresh_token(metadata["token_endpoint"])["refresh_token"]


def test_a_request_is_pushed_first(partner: Client, metadata: dict[str, str], site: Site, robot: Robot) -> None:
    session = session_of("books", site, client_secret=SECRET)
    verifier = generate_token(48)
    url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

    pushed = session.post(
        metadata["pushed_authorization_request_endpoint"],
        data=asked,
        auth=session.client_auth("client_secret_basic"),
        withhold_token=True,
    )
    assert pushed.status_code == 201, pushed.text
    request = {"client_id": "books", "request_uri": pushed.json()["request_uri"]}
    landed = robot.sign_in(f"{metadata['authorization_endpoint']}?{urlencode(request)}")

    token = session.fetch_token(
        metadata["token_endpoint"], authorization_response=landed, code_verifier=verifier, state=state
    )
    assert token["scope"] == SCOPE


def test_a_client_signs_its_customer_out(partner: Client, metadata: dict[str, str], site: Site, robot: Robot) -> None:
    session = session_of("books", site, client_secret=SECRET)
    token = sign_in(session, metadata, robot)
    leaving = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": "https://shop.example/bye", "state": "s"}

    landed = robot.browser.open(f"{metadata['end_session_endpoint']}?{urlencode(leaving)}")

    assert landed.address == "https://shop.example/bye?state=s"
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token(metadata["token_endpoint"])


def test_an_answer_from_elsewhere_is_not_taken(
    partner: Client, metadata: dict[str, str], site: Site, robot: Robot
) -> None:
    session = session_of("books", site, client_secret=SECRET)
    url, _ = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=generate_token(48))
    landed = robot.sign_in(url)

    assert parse_qs(urlsplit(landed).query)["iss"] == [metadata["issuer"]]
    with pytest.raises(MismatchingStateException):
        session.fetch_token(metadata["token_endpoint"], authorization_response=landed, state="another")
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.fetch_token(metadata["token_endpoint"], authorization_response=landed, code_verifier=generate_token(48))
