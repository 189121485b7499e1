"""What customers let partners have, and take back."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select

from auth.authorizing import consents
from auth.models import Customer
from auth.oauth import codes, pkce
from auth.oauth.clients import Client
from auth.proofs import Owner, Proved
from auth.sessions.models import LoginSession
from core import clock
from core.db import transaction
from tests.auth import partners
from tests.auth.authorizing.conftest import SITE, Person, address, answer_in
from tests.auth.conftest import VERIFIER
from tests.core.locks import until_somebody_waits


def as_customer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.phone.sign_in(person.number)['access_token']}"}


def let_in(person: Person, headers: dict[str, str]) -> Any:
    answer = person.app.test_client().get("/app/v1/partners", headers=headers)
    return answer.json["items"]  # type: ignore[index]


def titles(person: Person, **asked: str | None) -> list[str]:
    return [page.title for page in person.robot.through(address(**asked))[:-1]]


def test_consent_is_asked_once_and_again_for_more(person: Person, partner: Client) -> None:
    first = titles(person, scope="openid phone")

    assert first[-1] == "Let Shop & Co in?"
    assert titles(person, scope="openid phone") == []
    assert titles(person, scope="openid") == []
    assert titles(person, scope="openid email") == ["Let Shop & Co in?"]
    assert titles(person, scope="openid phone email") == []
    assert titles(person, scope="openid", prompt="consent") == ["Let Shop & Co in?"]


def test_another_customers_yes_is_nobody_elses(person: Person, partner: Client) -> None:
    person.come_back()
    other = Person(person.app, person.phone, "+12125550199")

    assert titles(other) == ["Sign in to Shop & Co", "Enter your code", "Let Shop & Co in?"]


def test_a_no_is_told_to_the_partner_and_kept_by_nobody(person: Person, partner: Client) -> None:
    pages = [person.open()]
    while "Let" not in pages[-1].title:
        pages.append(person.robot.answer(pages[-1]))

    said = person.browser.send(pages[-1].forms[1])

    assert answer_in(said)["error"] == "access_denied"
    assert answer_in(said)["state"] == "st-1"
    assert answer_in(person.open(prompt="none"))["error"] == "consent_required"


def test_a_customer_sees_whom_they_let_in(person: Person, partner: Client) -> None:
    person.come_back(scope="openid phone")
    headers = as_customer(person)

    [seen] = let_in(person, headers)

    assert (seen["client_id"], seen["name"], seen["scopes"]) == ("shop", "Shop & Co", ["openid", "phone"])


def test_a_partner_that_is_shut_out_has_nothing_any_more(person: Person, partner: Client) -> None:
    code = person.come_back(scope="openid offline_access")["code"]
    tokens = person.redeem(code).json
    unused = answer_in(person.open(scope="openid"))["code"]
    headers, http = as_customer(person), person.app.test_client()

    gone = http.delete("/app/v1/partners/shop", headers=headers)

    form = {"grant_type": "refresh_token", "client_id": "shop", "refresh_token": tokens["refresh_token"]}
    assert gone.status_code == 204
    assert http.post("/oauth/token", data=form).status_code == 400
    assert person.redeem(unused).status_code == 400
    own = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert http.get("/oauth/userinfo", headers=own).status_code == 401
    assert let_in(person, headers) == []
    assert titles(person) == ["Let Shop & Co in?"]
    assert http.delete("/app/v1/partners/shop", headers=headers).status_code == 204


def test_a_partner_that_was_not_let_in_is_not_there(person: Person, partner: Client) -> None:
    http, headers = person.app.test_client(), as_customer(person)

    assert http.delete("/app/v1/partners/shop", headers=headers).status_code == 404
    assert http.delete("/app/v1/partners/nobody", headers=headers).status_code == 404


def test_who_finds_another_signed_in_signs_in_as_themselves(person: Person, partner: Client) -> None:
    person.phone.sign_in("+12125550199")
    person.come_back(scope="openid")
    asked = person.open(scope="openid phone")
    [other] = re.findall(r'href="([^"]+)"', asked.text)
    person.robot.number = "+12125550199"

    pages = person.robot.through(f"{SITE}{other}")

    token = person.redeem(answer_in(pages[-1])["code"]).json["access_token"]
    told = person.app.test_client().get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).json
    assert [page.title for page in pages[:-1]] == ["Sign in to Shop & Co", "Enter your code", "Let Shop & Co in?"]
    assert told is not None and told["phone_number"] == "+12125550199"


def test_a_yes_is_of_who_said_it(person: Person, partner: Client) -> None:
    """Somebody else signs in, in another tab, before the first one's browser is back."""
    asks = person.robot.through(address(scope="openid"))[-2]
    asked = person.open(scope="openid", prompt="consent")
    form = asked.forms[0]
    said = person.browser.client.post(
        "/sign-in/consent", data={**form.fields, "answer": "yes"}, base_url=SITE, follow_redirects=False
    )
    person.robot.number = "+12125550199"
    person.robot.answer(person.robot.answer(person.open(prompt="login")))

    back = person.browser.open(SITE + said.headers["Location"])

    assert (asks.title, back.title) == ("Let Shop & Co in?", "Let Shop & Co in?")
    assert "0199" in back.text


def test_a_code_is_there_to_be_taken_back(person: Person, partner: Client) -> None:
    """Who shuts a partner out while it is given a code waits for that, and takes the code back."""
    person.come_back(scope="openid")
    with transaction() as session:
        [customer_id] = session.scalars(select(Customer.id)).all()
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            assert consents.covers(session, customer_id, "shop", "openid")
            gone = pool.submit(shut_out, customer_id)
            until_somebody_waits()
            live = session.scalars(select(LoginSession.id)).one()
            proved = Proved(owner=Owner(customer_id=customer_id), auth_time=clock.now(), acr="1fa", amr=("otp",))
            code = codes.issue(
                session, client=partner, proved=proved, scope="openid", code_challenge=pkce.challenge_of(VERIFIER),
                redirect_uri=partners.REDIRECT_URI, session_id=live, now=clock.now(),
            )  # fmt: skip
        gone.result()

    assert person.redeem(code).status_code == 400


def shut_out(customer_id: UUID) -> None:
    with transaction() as session:
        consents.shut_out(session, customer_id, "shop", now=clock.now())


def test_two_partners_know_one_customer_by_two_names(person: Person, sweeper: psycopg.Connection) -> None:
    import jwt

    subs = set()
    with partners.client(sweeper, "one"), partners.client(sweeper, "two", redirect_uris=["https://two.example/back"]):
        for client_id, uri in (("one", partners.REDIRECT_URI), ("two", "https://two.example/back")):
            code = person.come_back(client_id=client_id, redirect_uri=uri)["code"]
            token = person.redeem(code, client_id, uri).json["id_token"]
            claims = jwt.decode(token, options={"verify_signature": False})
            subs |= {claims["sub"], claims["sid"]}

    assert len(subs) == 4


@pytest.mark.parametrize("scope", ["", "openid"])
def test_consent_says_what_it_is_for(person: Person, partner: Client, scope: str) -> None:
    pages = person.robot.through(address(scope=scope or None))

    assert "<li>" in pages[-2].text
    assert "0142" in pages[-2].text
    assert "2125550142" not in pages[-2].text
