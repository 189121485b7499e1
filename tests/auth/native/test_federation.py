"""Signing in by Apple or Google: the nonce, who it is, and the number that stands behind every customer."""

import hashlib
from typing import Any

import pytest
from sqlalchemy import func, select

from auth import customers
from auth.federated.models import Identity
from auth.models import Customer
from auth.oauth import pkce
from core.db import transaction
from tests.auth.authenticator import Authenticator
from tests.auth.conftest import PHONE, VERIFIER, Phone, Watch
from tests.auth.federated.conftest import provider
from tests.auth.passkeys.conftest import added, owner_of
from tests.standins.identity_provider import IdentityProvider
from tests.suspending import suspend

__all__ = ["provider"]

PROOF = {"code_challenge": pkce.challenge_of(VERIFIER), "code_challenge_method": "S256"}


class Apple:
    """An app that signs in by a provider of identities."""

    def __init__(self, phone: Phone, provider: IdentityProvider, watch: Watch, name: str = "apple") -> None:
        self.phone, self.provider, self.watch, self.name = phone, provider, watch, name

    def begin(self) -> Any:
        return self.phone.post("/oauth/authorize-challenge", method=self.name, **PROOF)

    def go_on(self, auth_session: str, **form: str) -> Any:
        return self.phone.post("/oauth/authorize-challenge", auth_session=auth_session, **form)

    def token(self, nonce: str, subject: str = "ada", **changes: Any) -> str:
        return self.provider.id_token(self.name, subject, nonce, now=self.watch.now, **changes)

    def told(self, subject: str = "ada") -> Any:
        begun = self.begin()
        return self.go_on(begun.json["auth_session"], id_token=self.token(begun.json["nonce"], subject))

    def sign_up(self, subject: str = "ada", number: str = PHONE) -> Any:
        auth_session = self.told(subject).json["auth_session"]
        self.go_on(auth_session, login_hint=number)
        return self.go_on(auth_session, otp=self.phone.read_code(number))


@pytest.fixture
def apple(phone: Phone, provider: IdentityProvider, watch: Watch) -> Apple:
    return Apple(phone, provider, watch)


def count(model: Any) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("name", ["apple", "google"])
def test_the_first_sign_in_ends_in_a_number_and_the_next_needs_none(apple: Apple, name: str) -> None:
    apple.name = name
    first = apple.told()
    assert (first.json["error"], first.json["methods"]) == ("insufficient_authorization", ["phone"])
    sent = apple.go_on(first.json["auth_session"], login_hint=PHONE)
    assert sent.json["methods"] == ["otp"]
    assert count(Customer) == count(Identity) == 0

    proved = apple.go_on(first.json["auth_session"], otp=apple.phone.read_code())
    assert apple.phone.redeem(proved.json["authorization_code"]).status_code == 200
    again = apple.told()

    assert again.status_code == 200
    granted = apple.phone.redeem(again.json["authorization_code"])
    me: Any = apple.phone.client.get("/app/v1/me", headers={"Authorization": f"Bearer {granted.json['access_token']}"})
    assert me.json["phone"] == PHONE
    assert count(Customer) == 1


def test_a_customer_of_the_number_is_who_is_linked(apple: Apple, watch: Watch) -> None:
    with transaction() as session:
        customer_id = customers.sign_up(session, phone=PHONE, locale=None, time_zone=None, now=watch.now).id

    assert apple.sign_up().status_code == 200

    with transaction() as session:
        assert session.scalars(select(Identity.customer_id)).one() == customer_id


def test_a_nonce_may_be_repeated_hashed_as_apples_sdks_do(apple: Apple) -> None:
    begun = apple.begin()
    hashed = hashlib.sha256(begun.json["nonce"].encode()).hexdigest()

    assert apple.go_on(begun.json["auth_session"], id_token=apple.token(hashed)).json["methods"] == ["phone"]


def test_a_nonce_is_answered_once(apple: Apple) -> None:
    begun = apple.begin()
    auth_session, wrong = begun.json["auth_session"], apple.token("another")
    told = apple.go_on(auth_session, id_token=wrong)
    assert (told.json["error"], told.json["tries_left"]) == ("insufficient_authorization", 2)
    assert told.json["nonce"] != begun.json["nonce"]

    late = apple.go_on(auth_session, id_token=apple.token(begun.json["nonce"]))
    assert late.json["tries_left"] == 1
    last = apple.go_on(auth_session, id_token=wrong)

    assert last.json["error"] == "invalid_session"


def test_the_token_of_one_sign_in_is_good_for_no_other(apple: Apple) -> None:
    stolen = apple.token(apple.begin().json["nonce"])

    assert "tries_left" in apple.go_on(apple.begin().json["auth_session"], id_token=stolen).json


def test_googles_token_does_not_answer_where_apple_was_asked(apple: Apple) -> None:
    begun = apple.begin()
    token = apple.provider.id_token("google", "ada", begun.json["nonce"], now=apple.watch.now)

    assert "tries_left" in apple.go_on(begun.json["auth_session"], id_token=token).json


def test_the_same_address_with_another_subject_is_somebody_else(apple: Apple) -> None:
    apple.sign_up("ada")
    begun = apple.begin()
    token = apple.token(begun.json["nonce"], "eve", email="ada@example.com")

    assert apple.go_on(begun.json["auth_session"], id_token=token).json["methods"] == ["phone"]


def test_a_customer_has_one_identity_of_each_provider(apple: Apple) -> None:
    assert apple.sign_up("ada").status_code == 200

    second = apple.sign_up("eve")

    assert (second.status_code, second.json["error"]) == (400, "access_denied")
    assert count(Identity) == 1


def test_a_stolen_number_links_nothing_to_who_has_a_passkey(apple: Apple, watch: Watch) -> None:
    added(owner_of(PHONE, now=watch.now), Authenticator(), now=watch.now)

    refused = apple.sign_up("eve")

    assert (refused.status_code, refused.json["error"]) == (400, "access_denied")
    assert count(Identity) == 0
    assert apple.phone.sign_in()["access_token"]


def test_a_suspended_customers_identity_does_not_sign_in(apple: Apple) -> None:
    apple.sign_up()
    with transaction() as session:
        customer_id = customers.by_phone(session, PHONE)
        assert customer_id
        suspend(session, customer_id)

    assert apple.told().json["error"] == "access_denied"


def test_no_step_is_taken_that_is_not_waited_for(apple: Apple) -> None:
    begun = apple.begin().json["auth_session"]
    known = apple.told().json["auth_session"]
    of_number = apple.phone.ask().json["auth_session"]
    wrong = {
        "a number before the token": apple.go_on(begun, login_hint=PHONE),
        "a code before the number": apple.go_on(known, otp="123456"),
        "another code of none": apple.go_on(known, resend="1"),
        "a second token": apple.go_on(known, id_token=apple.token("x")),
        "a passkey": apple.go_on(begun, passkey="{}"),
        "a token for a code": apple.go_on(of_number, id_token=apple.token("x")),
        "a number for a code": apple.go_on(of_number, login_hint=PHONE),
    }

    for name, answer in wrong.items():
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request"), name


def test_a_provider_that_is_not_set_up_is_no_method(phone: Phone) -> None:
    refused = phone.post("/oauth/authorize-challenge", method="apple", **PROOF)

    assert (refused.status_code, refused.json["error"]) == (400, "invalid_request")


def test_apples_code_comes_along_until_the_number_is_proved(apple: Apple) -> None:
    begun = apple.begin()
    auth_session = begun.json["auth_session"]
    apple.go_on(auth_session, id_token=apple.token(begun.json["nonce"]), provider_code=apple.provider.code())
    apple.go_on(auth_session, login_hint=PHONE)
    apple.go_on(auth_session, otp=apple.phone.read_code())

    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(Identity)) == 1
