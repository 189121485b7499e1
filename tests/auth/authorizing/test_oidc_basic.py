"""The modules of OpenID Connect's Basic certification plan, one by one, by hand: by a client with a secret and without
PKCE, as the plan's own is."""

import base64
from collections.abc import Iterator
from typing import Any

import jwt
import psycopg
import pytest

from auth.keys import rotating
from auth.oauth import authenticating
from auth.oauth.clients import Client
from tests.auth import partners
from tests.auth.authorizing.conftest import SITE, Person, address, answer_in
from tests.auth.conftest import PHONE, Watch
from tests.auth.partners import REDIRECT_URI

SECRET = "a secret of the plan's client"
PLAIN = {"code_challenge": None, "code_challenge_method": None, "client_id": "plan"}


@pytest.fixture(params=["client_secret_basic", "client_secret_post"])
def client(request: pytest.FixtureRequest, database: None, sweeper: psycopg.Connection) -> Iterator[Client]:
    kept = authenticating.kept_secret("plan", SECRET)
    with partners.client(sweeper, "plan", auth_method=request.param, secret=kept) as found:
        yield found


@pytest.fixture
def basic(database: None, sweeper: psycopg.Connection) -> Iterator[Client]:
    kept = authenticating.kept_secret("plan", SECRET)
    with partners.client(sweeper, "plan", auth_method="client_secret_basic", secret=kept) as found:
        yield found


def ask_token(person: Person, client: Client, **form: str) -> Any:
    headers = {}
    if client.auth_method == "client_secret_basic":
        headers["Authorization"] = "Basic " + base64.b64encode(f"plan:{SECRET}".encode()).decode()
    else:
        form |= {"client_id": "plan", "client_secret": SECRET}
    return person.app.test_client().post("/oauth/token", data=form, headers=headers)


def redeemed(person: Person, client: Client, code: str) -> Any:
    return ask_token(person, client, grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI)


def signed_in(person: Person, client: Client, **asked: str | None) -> Any:
    answer = redeemed(person, client, person.come_back(**{**PLAIN, **asked})["code"])
    assert answer.status_code == 200, answer.json
    return answer.json


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def userinfo(person: Person, access_token: str, method: str = "GET") -> Any:
    headers = {"Authorization": f"Bearer {access_token}"}
    return person.app.test_client().open("/oauth/userinfo", method=method, headers=headers)


def test_response_type_code(person: Person, client: Client) -> None:
    told = signed_in(person, client)

    assert told["token_type"] == "Bearer"
    assert {"iss": SITE, "aud": "plan"}.items() <= claims_of(told["id_token"]).items()


def test_response_type_missing(person: Person, basic: Client) -> None:
    assert answer_in(person.open(**{**PLAIN, "response_type": None}))["error"] == "invalid_request"


def test_userinfo_by_get_and_by_post_with_a_header(person: Person, basic: Client) -> None:
    told = signed_in(person, basic)
    sub = claims_of(told["id_token"])["sub"]

    for method in ("GET", "POST"):
        answer = userinfo(person, told["access_token"], method)
        assert (answer.status_code, answer.json["sub"]) == (200, sub)


def test_userinfo_by_a_token_in_the_body_is_refused(person: Person, basic: Client) -> None:
    """The plan skips this one with a warning: tokens in bodies end up in logs, and OAuth 2.1 has them no more."""
    told = signed_in(person, basic)
    answer = person.app.test_client().post("/oauth/userinfo", data={"access_token": told["access_token"]})

    assert answer.status_code == 401


def test_a_nonce_is_kept_and_may_be_left_out(person: Person, basic: Client) -> None:
    assert claims_of(signed_in(person, basic, nonce="n-0S6")["id_token"])["nonce"] == "n-0S6"
    assert "nonce" not in claims_of(signed_in(person, basic)["id_token"])


@pytest.mark.parametrize(
    ("scope", "named"),
    [
        ("openid", {"sub"}),
        ("openid profile", {"sub", "locale"}),
        ("openid phone", {"sub", "phone_number", "phone_number_verified"}),
        ("openid profile email phone", {"sub", "locale", "phone_number", "phone_number_verified"}),
    ],
)
def test_scopes_open_their_claims(person: Person, basic: Client, scope: str, named: set[str]) -> None:
    told = userinfo(person, signed_in(person, basic, scope=scope, ui_locales="en-GB")["access_token"]).json

    assert set(told) == named
    assert told.get("phone_number", PHONE) == PHONE


@pytest.mark.parametrize(
    "extra",
    [
        {"display": "page"},
        {"display": "popup"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"acr_values": "1 2"},
        {"extra": "foobar"},
        {"claims": '{"userinfo":{"name":null}}'},
    ],
)
def test_what_is_not_known_is_ignored_kindly(person: Person, basic: Client, extra: dict[str, str]) -> None:
    assert signed_in(person, basic, **extra)["id_token"]


def test_prompt_login(person: Person, basic: Client, watch: Watch) -> None:
    first = claims_of(signed_in(person, basic)["id_token"])
    watch.move(seconds=5)
    second = claims_of(signed_in(person, basic, prompt="login")["id_token"])

    assert second["auth_time"] > first["auth_time"]
    assert second["sub"] == first["sub"]


def test_prompt_none_with_and_without_somebody(person: Person, basic: Client) -> None:
    assert answer_in(person.open(**PLAIN, prompt="none"))["error"] == "login_required"
    first = claims_of(signed_in(person, basic)["id_token"])
    second = claims_of(signed_in(person, basic, prompt="none")["id_token"])

    assert (first["sub"], first["auth_time"]) == (second["sub"], second["auth_time"])


def test_max_age(person: Person, basic: Client, watch: Watch) -> None:
    first = claims_of(signed_in(person, basic)["id_token"])
    watch.move(seconds=2)
    second = claims_of(signed_in(person, basic, max_age="1")["id_token"])
    third = claims_of(signed_in(person, basic, max_age="10000")["id_token"])

    assert second["auth_time"] == first["auth_time"] + 2
    assert third["auth_time"] == second["auth_time"]


def test_id_token_hint(person: Person, basic: Client) -> None:
    told = signed_in(person, basic)
    again = signed_in(person, basic, prompt="none", id_token_hint=told["id_token"])

    assert claims_of(again["id_token"])["sub"] == claims_of(told["id_token"])["sub"]


def test_login_hint(person: Person, basic: Client) -> None:
    assert signed_in(person, basic, login_hint="buffy@example.org")["id_token"]


def test_a_redirect_uri_that_is_not_registered(person: Person, basic: Client) -> None:
    assert person.open(**{**PLAIN, "redirect_uri": f"{REDIRECT_URI}x"}).status == 400


def test_a_code_comes_once(person: Person, basic: Client) -> None:
    code = person.come_back(**PLAIN)["code"]

    assert [redeemed(person, basic, code).status_code for _ in range(2)] == [200, 400]


def test_a_code_that_comes_again_after_half_a_minute_ends_what_it_gave(
    person: Person, basic: Client, watch: Watch
) -> None:
    code = person.come_back(**PLAIN)["code"]
    access_token = redeemed(person, basic, code).json["access_token"]
    assert userinfo(person, access_token).status_code == 200
    watch.move(seconds=30)

    assert redeemed(person, basic, code).json["error"] == "invalid_grant"
    assert userinfo(person, access_token).status_code == 401


@pytest.mark.parametrize("seconds", [59, 60])
def test_a_code_is_good_for_a_minute(person: Person, basic: Client, watch: Watch, seconds: int) -> None:
    code = person.come_back(**PLAIN)["code"]
    watch.move(seconds=seconds)

    assert redeemed(person, basic, code).status_code == (200 if seconds < 60 else 400)


def test_the_redirect_uri_is_named_again(person: Person, basic: Client) -> None:
    code = person.come_back(**PLAIN)["code"]
    other = ask_token(person, basic, grant_type="authorization_code", code=code, redirect_uri=f"{REDIRECT_URI}x")
    none = ask_token(person, basic, grant_type="authorization_code", code=code)

    assert [other.status_code, none.status_code] == [400, 400]


def test_a_request_object_is_refused(person: Person, basic: Client) -> None:
    told = answer_in(person.open(**PLAIN, request="eyJhbGciOiJub25lIn0.e30."))

    assert told["error"] == "request_not_supported"


def test_a_refresh_token(person: Person, client: Client) -> None:
    told = signed_in(person, client, scope="openid offline_access")

    newer = ask_token(person, client, grant_type="refresh_token", refresh_token=told["refresh_token"])

    assert newer.status_code == 200
    assert newer.json["access_token"] != told["access_token"]


def test_the_authorization_is_asked_in_the_clients_own_words(person: Person, basic: Client) -> None:
    """`Sign in to …`: a person sees whom they sign in to."""
    assert person.browser.open(address(**PLAIN)).title == "Sign in to Shop & Co"


def test_an_id_token_can_be_signed_by_rsa(person: Person, sweeper: psycopg.Connection, watch: Watch) -> None:
    rotating.open_ring(watch.now)
    kept = authenticating.kept_secret("plan", SECRET)
    with partners.client(
        sweeper, "plan", auth_method="client_secret_basic", secret=kept, id_token_alg="RS256"
    ) as client:
        token = signed_in(person, client)["id_token"]
        keys = person.app.test_client().get("/.well-known/jwks.json").json

    head = jwt.get_unverified_header(token)
    key = next(key for key in jwt.PyJWKSet.from_dict(keys or {}).keys if key.key_id == head["kid"])
    assert jwt.decode(token, key, algorithms=["RS256"], audience="plan", options={"verify_iat": False})
