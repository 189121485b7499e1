"""Signing out as a client asks for it, and who hears of it."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import jwt
import psycopg
import pytest

from auth.oauth import clients
from auth.oauth.clients import Client
from tests.auth import partners
from tests.auth.authorizing.conftest import SITE, Person, answer_in, out, refresh, tokens_of
from tests.auth.conftest import Watch
from tests.auth.robot import Form

AFTER = "https://shop.example/bye"


@pytest.fixture
def shop(database: None, sweeper: psycopg.Connection) -> Iterator[Client]:
    with partners.client(sweeper, "shop", logout_uris=[AFTER]) as client:
        yield client


def test_who_shows_the_sign_in_ends_it_at_once(person: Person, shop: Client) -> None:
    tokens = tokens_of(person)

    page = person.browser.open(out(id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER, state="x"))

    assert page.address == f"{AFTER}?state=x"
    assert refresh(person, tokens["refresh_token"]) == 400
    assert answer_in(person.open(prompt="none"))["error"] == "login_required"


def test_an_id_token_that_ran_out_still_shows_it(person: Person, shop: Client, watch: Watch) -> None:
    tokens = tokens_of(person)
    watch.move(days=3)

    assert person.browser.open(out(id_token_hint=tokens["id_token"])).title == "You are signed out"
    assert refresh(person, tokens["refresh_token"]) == 400


def test_an_id_token_older_than_any_session_shows_nothing(person: Person, shop: Client, watch: Watch) -> None:
    tokens = tokens_of(person)
    watch.move(days=181)
    person.come_back()

    assert person.browser.open(out(id_token_hint=tokens["id_token"])).title == "Sign out?"


def test_a_link_that_anybody_could_have_made_asks_first(person: Person, shop: Client) -> None:
    tokens = tokens_of(person)

    asks = person.browser.open(out(client_id="shop", post_logout_redirect_uri=AFTER, state="x"))
    still_in = refresh(person, tokens["refresh_token"])
    done = person.browser.send(asks.forms[0])

    assert (asks.title, still_in) == ("Sign out?", 200)
    assert done.address == f"{AFTER}?state=x"
    assert answer_in(person.open(prompt="none"))["error"] == "login_required"


def test_another_browsers_id_token_asks_first(person: Person, shop: Client) -> None:
    mine = tokens_of(person)
    other = Person(person.app, person.phone, "+12125550199")
    others = tokens_of(other)

    assert person.browser.open(out(id_token_hint=others["id_token"])).title == "Sign out?"
    assert [refresh(person, tokens["refresh_token"]) for tokens in (mine, others)] == [200, 200]


def test_without_a_session_there_is_nothing_to_ask(person: Person, shop: Client) -> None:
    page = person.browser.open(out(client_id="shop", post_logout_redirect_uri=AFTER))

    assert page.address == AFTER


def test_another_sites_form_signs_nobody_out_unseen(person: Person, shop: Client) -> None:
    """It brings no cookie along: nobody is told that they are signed out who is not."""
    tokens = tokens_of(person)
    form = {"client_id": "shop", "post_logout_redirect_uri": AFTER, "state": "x"}
    asked = person.app.test_client().post("/oauth/logout", data=form, base_url=SITE)
    flow = asked.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
    person.browser.client.set_cookie("flow", flow, domain="127.0.0.1")

    asks = person.browser.open(SITE + asked.headers["Location"])
    still_in = refresh(person, tokens["refresh_token"])
    done = person.browser.send(asks.forms[0])

    assert (asks.title, still_in, done.address) == ("Sign out?", 200, f"{AFTER}?state=x")
    assert refresh(person, tokens["refresh_token"]) == 400


def test_by_form_without_a_session_there_is_nothing_to_ask(person: Person, shop: Client) -> None:
    form = Form(f"{SITE}/oauth/logout", {"client_id": "shop", "post_logout_redirect_uri": AFTER}, [("", "")])

    assert person.browser.send(form).address == AFTER


def test_who_is_suspended_has_no_address_to_go_on_to(person: Person, shop: Client, sweeper: psycopg.Connection) -> None:
    sweeper.execute("UPDATE auth.client SET status = 'suspended' WHERE client_id = 'shop'")
    clients.forget_known()

    assert person.browser.open(out(client_id="shop", post_logout_redirect_uri=AFTER)).status == 400


@pytest.mark.parametrize("uri", [f"{AFTER}/", f"{AFTER}?x=1", "https://evil.example", "https://shop.example/back"])
def test_an_address_that_is_not_registered_gets_a_page(person: Person, shop: Client, uri: str) -> None:
    tokens = tokens_of(person)

    page = person.browser.open(out(id_token_hint=tokens["id_token"], post_logout_redirect_uri=uri))

    assert page.status == 400
    assert refresh(person, tokens["refresh_token"]) == 200


def test_an_id_token_of_another_client_gets_a_page(person: Person, shop: Client, sweeper: psycopg.Connection) -> None:
    with partners.client(sweeper, "other"):
        tokens = tokens_of(person)
        assert person.browser.open(out(id_token_hint=tokens["id_token"], client_id="other")).status == 400


def test_what_is_no_id_token_shows_nothing(person: Person, shop: Client) -> None:
    tokens = tokens_of(person)
    head, body, signature = tokens["id_token"].split(".")

    for forged in (tokens["access_token"], f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body}.", "x", "é"):
        assert person.browser.open(out(id_token_hint=forged)).title == "Sign out?"


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES512", "PS256", "", None, 7])
def test_an_id_token_by_another_algorithm_shows_nothing(person: Person, shop: Client, alg: object) -> None:
    token = tokens_of(person)["id_token"]
    head = {**jwt.get_unverified_header(token), "alg": alg}
    forged = ".".join([_encoded(head), *token.split(".")[1:]])

    assert person.browser.open(out(id_token_hint=forged)).title == "Sign out?"


@pytest.mark.parametrize("client_id", ["nobody", "x" * 200, "\0", "é"])
def test_a_client_that_is_not_known_gets_a_page(person: Person, shop: Client, client_id: str) -> None:
    tokens_of(person)

    assert person.browser.open(out(client_id=client_id)).status == 400


def _encoded(member: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(member).encode()).decode().rstrip("=")


def test_a_sign_in_is_no_question_whether_to_sign_out(person: Person, shop: Client) -> None:
    """Else what a client sends along with it, unread, would be where the browser goes."""
    handle = person.open(uri="https://evil.example", prompt="login").forms[0].fields["r"]

    asked = person.browser.open(f"{SITE}/sign-out?r={handle}")
    sent = person.browser.ask("POST", f"{SITE}/sign-out", {"r": handle})

    assert [asked.status, sent.status] == [410, 410]


def test_a_question_whether_to_sign_out_is_no_sign_in(person: Person, shop: Client) -> None:
    tokens_of(person)
    handle = person.browser.open(out(client_id="shop", post_logout_redirect_uri=AFTER)).forms[0].fields["r"]

    for path in ("/sign-in/consent", "/sign-in/code"):
        assert person.browser.open(f"{SITE}{path}?r={handle}").status == 410


def test_signing_out_by_form_needs_the_browsers_own_page(person: Person, shop: Client) -> None:
    tokens = tokens_of(person)
    asks = person.browser.open(out())
    stranger = Person(person.app, person.phone)

    assert stranger.browser.send(asks.forms[0]).status == 410
    assert refresh(person, tokens["refresh_token"]) == 200
