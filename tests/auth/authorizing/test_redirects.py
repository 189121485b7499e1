"""Nobody is ever sent to an address that the client did not register, letter by letter."""

import pytest

from auth.authorizing import redirects
from auth.oauth.clients import Client
from tests.auth.authorizing.conftest import Person, answer_in
from tests.auth.partners import REDIRECT_URI

ATTACKS = [
    f"{REDIRECT_URI}.evil",
    f"{REDIRECT_URI}/",
    f"{REDIRECT_URI}/../back",
    f"{REDIRECT_URI}%2f..",
    f"{REDIRECT_URI}?next=evil",
    f"{REDIRECT_URI}#evil",
    f"{REDIRECT_URI} ",
    f" {REDIRECT_URI}",
    f"{REDIRECT_URI}\r\nLocation: https://evil.example",
    f'{REDIRECT_URI}"',
    f"{REDIRECT_URI}\\@evil.example",
    f"{REDIRECT_URI}é",
    "https://shop.example/BACK",
    "https://SHOP.example/back",
    "https://shop.example./back",
    "https://shop.example:8443/back",
    "https://shop.example@evil.example/back",
    "https://user:pw@shop.example/back",
    "https://shop.example.evil.example/back",
    "https://evil.example/https://shop.example/back",
    "https://evilshop.example/back",
    "https://ѕhop.example/back",
    "http://shop.example/back",
    "//shop.example/back",
    "/back",
    "javascript:alert(1)//https://shop.example/back",
    "data:text/html,https://shop.example/back",
    "com.evil.app:/back",
    "http://127.0.0.1:4711/back",
    "http://localhost/back",
    "https://shop.example/b%61ck",
    "*",
    "null",
]


@pytest.mark.parametrize("uri", ATTACKS)
def test_an_address_that_is_not_registered_gets_a_page_and_no_redirect(
    person: Person, partner: Client, uri: str
) -> None:
    page = person.open(redirect_uri=uri)

    assert (page.status, page.title) == (400, "This sign-in cannot go on")
    assert "Location" not in page.headers
    assert page.forms == []


def test_no_address_at_all_and_two_of_them_get_a_page(person: Person, partner: Client) -> None:
    address = f"/oauth/authorize?client_id=shop&response_type=code&redirect_uri={REDIRECT_URI}"

    none = person.browser.open(f"{person.browser.site}/oauth/authorize?client_id=shop&response_type=code")
    two = person.browser.open(f"{person.browser.site}{address}&redirect_uri=https://evil.example")

    assert [page.status for page in (none, two)] == [400, 400]
    assert [page.title for page in (none, two)] == ["This sign-in cannot go on"] * 2


@pytest.mark.parametrize("client_id", [None, "", "nobody", "shop\0", "SHOP", "s" * 101, "pocketful-till"])
def test_a_client_that_is_not_known_gets_a_page(person: Person, partner: Client, client_id: str | None) -> None:
    page = person.open(client_id=client_id)

    assert page.status == 400
    assert "Location" not in page.headers


def test_an_apps_own_machine_may_listen_at_any_port(person: Person, own_app: str) -> None:
    page = person.open(client_id="pocketful-app", redirect_uri="http://127.0.0.1:53211/back", prompt="none")

    assert page.address.startswith("http://127.0.0.1:53211/back?")
    assert answer_in(page)["error"] == "login_required"


@pytest.mark.parametrize("uri", ["http://127.0.0.1:53211/other", "http://localhost:53211/back", "http://[::1]:1/back"])
def test_an_apps_own_machine_is_compared_but_for_the_port(person: Person, own_app: str, uri: str) -> None:
    assert person.open(client_id="pocketful-app", redirect_uri=uri, prompt="none").status == 400


@pytest.mark.parametrize(
    "uri",
    ["https://a.example/cb", "https://a.example", "com.example.app:/cb", "com.example.app://cb", "http://[::1]/cb"],
)
def test_these_can_be_registered(uri: str) -> None:
    assert redirects.is_registrable(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://a.example/cb", "https://a.example/cb#x", "https://u@a.example/cb", "https://*.a.example/cb", "app:/cb",
        "javascript:alert(1)", "data:text/html,x", "https:///cb", "https://a.example:99999/", "/cb", "",
        "https://a.example/é", "https://a.example/" + "a" * 2_000, "http://localhost/cb", "com.example.app:cb",
    ],
)  # fmt: skip
def test_these_cannot_be_registered(uri: str) -> None:
    assert not redirects.is_registrable(uri)


def test_what_an_address_has_already_is_kept() -> None:
    assert redirects.with_parameters("https://a.example/cb?x=1", {"code": "a&b", "state": None}) == (
        "https://a.example/cb?x=1&code=a%26b"
    )
