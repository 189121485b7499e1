"""Requests that are pushed first (RFC 9126): kept for a minute and a half, for one use, for one client."""

import base64
import threading
from typing import Any

import psycopg
import pytest

from auth.oauth import authenticating
from auth.oauth.clients import Client
from tests.auth import partners
from tests.auth.authorizing.conftest import SITE, Person, answer_in, asking
from tests.auth.conftest import Watch
from tests.auth.dpop.prover import Prover

URN = "urn:ietf:params:oauth:request_uri:"


def push(person: Person, headers: dict[str, str] | None = None, **more: str | None) -> Any:
    return person.app.test_client().post("/oauth/par", data=asking(**more), headers=headers)  # type: ignore[arg-type]


def opened(person: Person, uri: str, client_id: str = "shop", more: str = "") -> Any:
    return person.browser.open(f"{SITE}/oauth/authorize?client_id={client_id}&request_uri={uri}{more}")


def test_a_pushed_request_is_kept_for_ninety_seconds(person: Person, partner: Client) -> None:
    answer = push(person)

    assert answer.status_code == 201
    assert answer.json["request_uri"].startswith(URN)
    assert answer.json["expires_in"] == 90
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_pushed_request_is_answered_as_it_was_pushed(person: Person, partner: Client) -> None:
    uri = push(person, state="pushed").json["request_uri"]

    pages = [opened(person, uri, more="&state=other&scope=phone")]
    while person.browser.is_ours(pages[-1].address):
        pages.append(person.robot.answer(pages[-1]))

    told = answer_in(pages[-1])
    assert told["state"] == "pushed"
    assert person.redeem(told["code"]).json["scope"] == "openid"


def test_a_pushed_request_is_used_once(person: Person, partner: Client) -> None:
    person.come_back()
    uri = push(person).json["request_uri"]
    first, second = opened(person, uri), opened(person, uri)

    assert "code" in answer_in(first)
    assert second.status == 400


def test_of_thirty_at_once_one_has_it(person: Person, partner: Client) -> None:
    person.come_back()
    cookie = person.browser.client.get_cookie("session", domain="127.0.0.1")
    assert cookie
    uri = push(person).json["request_uri"]
    seen: list[int] = []

    def use() -> None:
        client = person.app.test_client()
        client.set_cookie("session", cookie.value, domain="127.0.0.1")
        asked = f"/oauth/authorize?client_id=shop&request_uri={uri}"
        seen.append(client.get(asked, base_url=SITE).status_code)

    threads = [threading.Thread(target=use) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(seen) == [303] + [400] * 29


@pytest.mark.parametrize(("seconds", "is_good"), [(89, True), (90, False)])
def test_a_pushed_request_is_good_for_so_long(
    person: Person, partner: Client, watch: Watch, seconds: int, is_good: bool
) -> None:
    uri = push(person).json["request_uri"]
    watch.move(seconds=seconds)

    assert (opened(person, uri).status == 200) is is_good


def test_a_pushed_request_is_no_other_clients(person: Person, partner: Client, sweeper: psycopg.Connection) -> None:
    with partners.client(sweeper, "other"):
        uri = push(person).json["request_uri"]

        assert opened(person, uri, "other").status == 400
        assert opened(person, uri).status == 200


@pytest.mark.parametrize("uri", [URN, f"{URN}x", f"{URN}%00", f"{URN}{'x' * 5_000}"])
def test_a_pushed_request_that_never_was_gets_a_page(person: Person, partner: Client, uri: str) -> None:
    assert opened(person, uri).status == 400


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"redirect_uri": "https://evil.example"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"request_uri": f"{URN}x"}, "invalid_request"),
        ({"request": "x"}, "request_not_supported"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": None}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
    ],
)
def test_what_may_not_be_asked_is_not_kept(
    person: Person, partner: Client, wrong: dict[str, str | None], error: str
) -> None:
    answer = push(person, None, **wrong)

    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert answer.json["error"] == error


def test_who_may_not_sign_anybody_in_cannot_push(person: Person, sweeper: psycopg.Connection) -> None:
    with partners.client(sweeper, "server", grant_types=["refresh_token"]):
        answer = push(person, client_id="server")

    assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")


def test_a_request_has_an_end(person: Person, partner: Client) -> None:
    assert push(person, state="s" * 11_000).status_code == 413


def test_who_has_a_secret_shows_it(person: Person, sweeper: psycopg.Connection) -> None:
    kept = authenticating.kept_secret("books", "secret")
    with partners.client(sweeper, "books", auth_method="client_secret_basic", secret=kept, needs_par=True):
        right = {"Authorization": "Basic " + base64.b64encode(b"books:secret").decode()}
        wrong = {"Authorization": "Basic " + base64.b64encode(b"books:guess").decode()}

        assert push(person, wrong, client_id="books").status_code == 401
        assert push(person, client_id="books").status_code == 401
        pushed = push(person, right, client_id="books")
        assert opened(person, pushed.json["request_uri"], "books").status == 200


def test_a_proof_binds_the_code(person: Person, partner: Client) -> None:
    prover = Prover()
    uri = push(person, {"DPoP": prover.proof("POST", "/oauth/par")}).json["request_uri"]
    pages = [opened(person, uri)]
    while person.browser.is_ours(pages[-1].address):
        pages.append(person.robot.answer(pages[-1]))
    code = answer_in(pages[-1])["code"]

    assert person.redeem(code).status_code == 400
    assert person.redeem(code, headers={"DPoP": Prover().proof("POST", "/oauth/token")}).status_code == 400
    assert person.redeem(code, headers={"DPoP": prover.proof("POST", "/oauth/token")}).status_code == 200


def test_a_proof_of_another_request_binds_nothing(person: Person, partner: Client) -> None:
    answer = push(person, {"DPoP": Prover().proof("POST", "/oauth/token")})

    assert answer.json["error"] == "invalid_dpop_proof"
