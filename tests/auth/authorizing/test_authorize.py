"""Signing in with a browser, from the client's request to its tokens."""

from auth.oauth.clients import Client
from tests.auth.authorizing.conftest import Person, address, answer_in


def test_the_brands_own_app_is_signed_in_to_without_consent(person: Person, own_app: str) -> None:
    pages = person.robot.through(_at(own_app))

    assert [page.title for page in pages[:-1]] == ["Sign in", "Enter your code"]
    told = answer_in(pages[-1])
    assert pages[-1].address.startswith(f"{own_app}?")
    assert (told["state"], told["iss"]) == ("st-1", "http://127.0.0.1:8000")
    granted = person.redeem(told["code"], "pocketful-app", own_app)
    assert granted.status_code == 200, granted.json
    assert granted.json["refresh_token"]


def test_who_is_signed_in_is_not_asked_again(person: Person, own_app: str) -> None:
    person.robot.sign_in(_at(own_app))

    again = person.browser.open(_at(own_app))

    assert again.address.startswith(f"{own_app}?")
    assert person.redeem(answer_in(again)["code"], "pocketful-app", own_app).status_code == 200


def test_a_partner_is_let_in_by_consent(person: Person, partner: Client) -> None:
    pages = person.robot.through(address(scope="openid phone"))

    assert [page.title for page in pages[:-1]] == [
        "Sign in to Shop & Co",
        "Enter your code",
        "Let Shop & Co in?",
    ]
    granted = person.redeem(answer_in(pages[-1])["code"])
    assert granted.status_code == 200, granted.json
    assert granted.json["scope"] == "openid phone"
    assert granted.json["id_token"]


def _at(uri: str) -> str:
    return address(client_id="pocketful-app", redirect_uri=uri)
