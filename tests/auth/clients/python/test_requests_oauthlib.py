"""requests-oauthlib, unmodified, over TLS: a whole sign-in, and tokens that are renewed by themselves."""

from typing import Any

import pytest
from oauthlib.oauth2 import InvalidGrantError, MismatchingStateError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from auth.oauth.clients import Client
from tests.auth.clients.python.conftest import SECRET
from tests.auth.conftest import PHONE
from tests.auth.partners import REDIRECT_URI
from tests.auth.robot import Robot
from tests.auth.tls import Site

SCOPE = ["openid", "offline_access", "phone"]


def session_of(client_id: str, site: Site, **options: Any) -> Any:
    session = OAuth2Session(client_id, redirect_uri=REDIRECT_URI, scope=SCOPE, pkce="S256", **options)
    session.verify = site.authority
    return session


def sign_in(session: Any, metadata: dict[str, str], robot: Robot, **options: Any) -> dict[str, Any]:
    url, _ = session.authorization_url(metadata["authorization_endpoint"])
    landed = robot.sign_in(url)
    token: dict[str, Any] = session.fetch_token(
        metadata["token_endpoint"], authorization_response=landed, verify=session.verify, **options
    )
    return token


def test_a_public_client_signs_in_and_refreshes(
    public_partner: Client, metadata: dict[str, str], site: Site, robot: Robot
) -> None:
    session = session_of("shop", site)

    token = sign_in(session, metadata, robot)
    told = session.get(metadata["userinfo_endpoint"]).json()
    newer = session.refresh_token(metadata["token_endpoint"], client_id="shop", verify=site.authority)

    assert told["phone_number"] == PHONE
    assert newer["refresh_token"] != token["refresh_token"]
    assert session.get(metadata["userinfo_endpoint"]).json() == told


def test_a_client_with_a_secret_signs_in_and_refreshes(
    partner: Client, metadata: dict[str, str], site: Site, robot: Robot
) -> None:
    session = session_of("books", site)

    token = sign_in(session, metadata, robot, client_secret=SECRET)
    newer = session.refresh_token(
        metadata["token_endpoint"], auth=HTTPBasicAuth("books", SECRET), verify=site.authority
    )

    assert newer["refresh_token"] != token["refresh_token"]
    session.refresh_token(metadata["token_endpoint"], auth=HTTPBasicAuth("books", SECRET), verify=site.authority)
    with pytest.raises(InvalidGrantError):
        session.refresh_token(
            metadata["token_endpoint"], token["refresh_token"], auth=HTTPBasicAuth("books", SECRET),
            verify=site.authority,
        )  # fmt: skip


def test_a_token_that_ran_out_is_renewed_by_itself(
    public_partner: Client, metadata: dict[str, str], site: Site, robot: Robot
) -> None:
    kept: list[dict[str, Any]] = []
    session = session_of(
        "shop",
        site,
        auto_refresh_url=metadata["token_endpoint"],
        auto_refresh_kwargs={"client_id": "shop"},
        token_updater=kept.append,
    )
    token = sign_in(session, metadata, robot)

    session.token = {**token, "expires_at": 1, "expires_in": -1}
    answer = session.get(metadata["userinfo_endpoint"])

    assert answer.status_code == 200
    assert [each["refresh_token"] != token["refresh_token"] for each in kept] == [True]


def test_an_answer_of_another_state_is_not_taken(
    public_partner: Client, metadata: dict[str, str], site: Site, robot: Robot
) -> None:
    session = session_of("shop", site)
    url, state = session.authorization_url(metadata["authorization_endpoint"])
    landed = robot.sign_in(url)

    with pytest.raises(MismatchingStateError):
        session.fetch_token(
            metadata["token_endpoint"], authorization_response=landed.replace(state, "another"), verify=site.authority
        )
