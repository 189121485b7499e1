"""What has to happen before a code: a table of what is asked against who is there."""

from datetime import timedelta

import pytest

from auth.oauth.clients import Client
from tests.auth.authorizing.conftest import Person, address, answer_in
from tests.auth.conftest import Watch


def titles(person: Person, **asked: str | None) -> list[str]:
    return [page.title for page in person.robot.through(address(**asked))[:-1]]


ASKED_AGAIN = ["Sign in to Shop & Co", "Enter your code"]


@pytest.fixture
def known(person: Person, partner: Client) -> Person:
    """Somebody who is signed in, and let the partner in."""
    person.come_back()
    return person


def test_prompt_none_says_that_nobody_is_signed_in(person: Person, partner: Client) -> None:
    assert answer_in(person.open(prompt="none"))["error"] == "login_required"


def test_prompt_none_gives_a_code_to_who_is_signed_in(known: Person) -> None:
    assert "code" in answer_in(known.open(prompt="none"))


def test_prompt_login_asks_again_and_once(known: Person) -> None:
    assert titles(known, prompt="login") == ASKED_AGAIN
    assert titles(known, prompt="select_account") == ASKED_AGAIN


@pytest.mark.parametrize(
    ("max_age", "seconds", "is_asked"), [(100, 99, False), (100, 100, True), (0, 0, True), (10_000, 600, False)]
)
def test_a_sign_in_may_be_so_old_and_no_older(
    known: Person, watch: Watch, max_age: int, seconds: int, is_asked: bool
) -> None:
    watch.move(seconds=seconds)

    assert titles(known, max_age=str(max_age)) == (ASKED_AGAIN if is_asked else [])


def test_prompt_none_with_a_sign_in_that_is_too_old(known: Person, watch: Watch) -> None:
    watch.move(seconds=101)

    assert answer_in(known.open(prompt="none", max_age="100"))["error"] == "login_required"


def test_the_id_token_says_when_it_was(known: Person, watch: Watch) -> None:
    import jwt

    def auth_time(**asked: str) -> int:
        token = known.redeem(known.come_back(**asked)["code"]).json["id_token"]
        found: int = jwt.decode(token, options={"verify_signature": False})["auth_time"]
        return found

    first = auth_time()
    watch.move(minutes=10)

    assert auth_time() == first
    assert auth_time(prompt="login") == first + 600
    assert auth_time() == first + 600


def test_a_strength_that_is_there_is_not_asked_for(known: Person) -> None:
    assert titles(known, acr_values="1fa") == []
    assert titles(known, acr_values="phr 1fa") == []


def test_a_strength_that_nobody_knows_is_ignored(known: Person) -> None:
    assert titles(known, acr_values="urn:mace:incommon:iap:silver") == []


def test_a_strength_that_is_not_reached_is_told(known: Person) -> None:
    pages = known.robot.through(address(acr_values="phr"))

    assert [page.title for page in pages[:-1]] == ASKED_AGAIN
    assert answer_in(pages[-1])["error"] == "unmet_authentication_requirements"


def test_an_id_token_hint_of_who_is_there_asks_nothing(known: Person) -> None:
    token = known.redeem(known.come_back()["code"]).json["id_token"]

    assert "code" in answer_in(known.open(id_token_hint=token, prompt="none"))


def test_an_id_token_hint_of_somebody_else_lets_nobody_in(known: Person, watch: Watch) -> None:
    other = Person(known.app, known.phone, "+12125550199")
    token = other.redeem(other.come_back()["code"]).json["id_token"]

    assert answer_in(known.open(id_token_hint=token, prompt="none"))["error"] == "login_required"
    pages = known.robot.through(address(id_token_hint=token))
    assert [page.title for page in pages[:-1]] == ASKED_AGAIN
    assert answer_in(pages[-1])["error"] == "login_required"


def test_a_hint_of_nobody_lets_nobody_in(known: Person) -> None:
    assert answer_in(known.open(id_token_hint="x", prompt="none"))["error"] == "login_required"


def test_a_login_hint_is_filled_in(person: Person, partner: Client) -> None:
    page = person.open(login_hint="+12125550177")

    assert page.forms[0].fields["phone"] == "+12125550177"


def test_a_hint_with_markup_stays_text(person: Person, partner: Client) -> None:
    page = person.open(login_hint='+1"><script>alert(1)</script>')

    assert "<script>alert" not in page.text


@pytest.mark.parametrize(("days", "is_in"), [(29, True), (30, False)])
def test_a_web_session_lies_unused_for_thirty_days(known: Person, watch: Watch, days: int, is_in: bool) -> None:
    watch.now += timedelta(days=days)

    assert ("code" in answer_in(known.open(prompt="none"))) is is_in
