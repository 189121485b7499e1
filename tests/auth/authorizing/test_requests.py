"""What a request may ask, and how it is told that it may not: at the client's own address, with state and iss."""

import psycopg
import pytest

from auth.oauth.clients import Client
from tests.auth import partners
from tests.auth.authorizing.conftest import SITE, Person, address, answer_in, asking
from tests.auth.partners import REDIRECT_URI
from tests.auth.robot import Page

WRONG = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_type": None}, "invalid_request"),
    ({"scope": "openid admin"}, "invalid_scope"),
    ({"scope": 'openid "'}, "invalid_scope"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"prompt": "create"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"nonce": "n" * 513}, "invalid_request"),
    ({"dpop_jkt": "x"}, "invalid_request"),
    ({"request": "eyJ"}, "request_not_supported"),
    ({"request_uri": "https://shop.example/request"}, "request_uri_not_supported"),
]


@pytest.mark.parametrize(("wrong", "error"), WRONG, ids=[str(wrong) for wrong, _ in WRONG])
def test_what_may_not_be_asked_is_told_to_the_client(
    person: Person, partner: Client, wrong: dict[str, str | None], error: str
) -> None:
    page = person.open(**wrong)

    assert page.address.startswith(f"{REDIRECT_URI}?")
    told = answer_in(page)
    assert (told["error"], told["state"], told["iss"]) == (error, "st-1", SITE)
    assert "code" not in told


def test_a_parameter_that_is_given_twice_is_refused(person: Person, partner: Client) -> None:
    page = person.browser.open(f"{address()}&nonce=a&nonce=b")

    assert answer_in(page)["error"] == "invalid_request"


def test_a_state_that_is_given_twice_is_not_repeated(person: Person, partner: Client) -> None:
    told = answer_in(person.browser.open(f"{address()}&state=other"))

    assert told["error"] == "invalid_request"
    assert "state" not in told


def test_what_nobody_knows_is_ignored(person: Person, partner: Client) -> None:
    told = person.come_back(extra="x", display="popup", claims_locales="se", acr_values="urn:unknown 7")

    assert "code" in told


def test_a_longest_nonce_and_state_are_kept(person: Person, partner: Client) -> None:
    told = person.come_back(nonce="n" * 512, state="s" * 2_000)

    assert told["state"] == "s" * 2_000
    assert "code" in told


def test_an_endless_request_gets_a_page(person: Person, partner: Client) -> None:
    assert person.open(login_hint="+" * 10_000).status == 400


def test_a_form_of_another_site_is_answered_as_a_query_is(person: Person, partner: Client) -> None:
    """A browser sends no cookies with it, but with what it opens next."""
    person.come_back()
    stranger = type(person)(person.app, person.phone)

    sent = stranger.browser.ask("POST", f"{SITE}/oauth/authorize", asking())
    person.browser.client.set_cookie("flow", _flow_of(sent.headers["Set-Cookie"]), domain="127.0.0.1")
    page = person.browser.open(f"{SITE}{sent.headers['Location']}")

    assert sent.status == 303
    assert "code" in answer_in(page)


def test_parameters_in_the_address_of_a_form_count_for_nothing(person: Person, partner: Client) -> None:
    sent = person.browser.ask("POST", address(), {"client_id": "shop"})

    assert sent.status == 400


def test_a_code_can_come_by_a_form(person: Person, partner: Client) -> None:
    [*_, page] = _until_ours(person, address(response_mode="form_post"))

    [form] = page.forms
    assert form.action == REDIRECT_URI
    assert set(form.fields) == {"code", "state", "iss"}
    assert "form-action" not in page.headers["Content-Security-Policy"]
    assert person.redeem(form.fields["code"]).status_code == 200


def test_a_client_that_has_to_push_its_requests_cannot_do_without(person: Person, sweeper: psycopg.Connection) -> None:
    with partners.client(sweeper, "careful", needs_par=True):
        told = answer_in(person.open(client_id="careful"))

    assert told["error"] == "invalid_request"


def test_a_redirect_uris_own_query_is_kept(person: Person, sweeper: psycopg.Connection) -> None:
    uri = "https://shop.example/back?tenant=7"
    with partners.client(sweeper, "tenants", redirect_uris=[uri]):
        told = person.come_back(client_id="tenants", redirect_uri=uri)
        granted = person.redeem(told["code"], "tenants", uri)

    assert told["tenant"] == "7"
    assert granted.status_code == 200


def test_a_suspended_client_gets_a_page(person: Person, sweeper: psycopg.Connection) -> None:
    with partners.client(sweeper, "gone", status="suspended"):
        assert person.open(client_id="gone").status == 400


def test_a_state_comes_back_as_it_was_meant(person: Person, partner: Client) -> None:
    told = person.come_back(state="a b+c&d=é😀")

    assert told["state"] == "a b+c&d=é😀"


def _until_ours(person: Person, asked: str) -> list[Page]:
    """The pages on the way to one that sends a form to the client."""
    pages = [person.browser.open(asked)]
    while pages[-1].title != "One moment":
        pages.append(person.robot.answer(pages[-1]))
    return pages


def _flow_of(header: str) -> str:
    return header.partition("=")[2].partition(";")[0]
