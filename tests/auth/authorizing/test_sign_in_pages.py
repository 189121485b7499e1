"""The pages of a sign-in: what they say, what they take, and what they keep to themselves."""

import re

import pytest
from sqlalchemy import select, text

from auth import customers
from auth.authorizing import work
from auth.authorizing.models import AuthorizationRequest
from auth.oauth.clients import Client
from auth.sessions.models import LoginSession
from core import crypto
from core.db import transaction
from tests.auth.authorizing.conftest import SITE, Person, address, answer_in, until_code
from tests.auth.conftest import Watch
from tests.suspending import suspend


@pytest.mark.parametrize("handle", ["", "x", "é", "\0", "x" * 3_000])
def test_a_page_of_no_sign_in_says_that_it_is_over(person: Person, handle: str) -> None:
    answer = person.browser.client.get("/sign-in", query_string={"r": handle}, base_url=SITE)

    assert answer.status_code in (400, 410)


def test_a_wrong_number_is_told_beside_the_field(person: Person, partner: Client) -> None:
    page = person.browser.send(person.open().forms[0], phone="12125550142")

    assert page.status == 400
    assert 'aria-describedby="phone-error phone-hint"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert page.forms[0].fields["phone"] == "12125550142"


def test_the_fifth_wrong_code_ends_it(person: Person, partner: Client) -> None:
    page = until_code(person)
    right = person.phone.read_code(person.number)
    wrong = "000000" if right != "000000" else "111111"

    said = [person.browser.send(page.forms[0], code=wrong) for _ in range(5)]

    assert [shown.status for shown in said] == [400] * 5
    assert "one try left" in said[3].text
    assert said[4].title == "This code works no more"
    assert person.browser.send(page.forms[0], code=right).title == "This code works no more"
    begun_anew = person.browser.open(
        re.findall(r'href="([^"]+)"', said[4].text)[0].replace("/sign-in", f"{SITE}/sign-in")
    )
    assert begun_anew.title == "Sign in to Shop & Co"


def test_another_code_can_be_asked_for(person: Person, partner: Client, watch: Watch) -> None:
    page = until_code(person)
    too_early = person.browser.send(page.forms[1])
    watch.move(seconds=31)
    again = person.browser.send(page.forms[1])

    done = person.robot.answer(again)

    assert (too_early.status, too_early.title) == (429, "Enter your code")
    assert again.title == "Enter your code"
    assert done.title == "Let Shop & Co in?"


def test_without_a_code_there_is_no_other_one(person: Person, partner: Client) -> None:
    handle = person.open().forms[0].fields["r"]

    assert person.browser.ask("POST", f"{SITE}/sign-in/code/again", {"r": handle}).status == 410


def test_a_code_can_come_by_whatsapp(person: Person, partner: Client) -> None:
    [asked, *_] = person.open().forms
    assert asked.buttons == [("", ""), ("channel", "whatsapp")]

    page = person.browser.send(asked, phone=person.number, channel="whatsapp")
    done = person.robot.answer(page)

    assert "Sent by WhatsApp to the number that ends in 0142" in page.text
    assert done.title == "Let Shop & Co in?"
    with transaction() as session:
        [row] = session.scalars(select(LoginSession)).all()
        assert row.amr == ["otp"]


@pytest.mark.parametrize("channel", ["", "carrier pigeon", "sms\0"])
def test_a_way_that_there_is_not_is_a_text(person: Person, partner: Client, channel: str) -> None:
    page = person.browser.send(person.open().forms[0], phone=person.number, channel=channel)

    assert page.status == (400 if "\0" in channel else 200)


def test_a_suspended_customer_is_not_signed_in(person: Person, partner: Client) -> None:
    person.come_back()
    with transaction() as session:
        found = customers.by_phone(session, person.number)
        assert found is not None
        suspend(session, found)

    assert answer_in(person.open(prompt="none"))["error"] == "login_required"
    page = person.robot.answer(until_code(person))
    assert (page.status, page.title) == (403, "You cannot sign in")


def test_pages_are_kept_framed_and_told_of_by_nobody(person: Person, partner: Client) -> None:
    page = person.open()
    policy = page.headers["Content-Security-Policy"]

    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "form-action" not in policy
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "ETag" not in page.headers


def test_answers_to_clients_are_kept_and_told_of_by_nobody(person: Person, partner: Client) -> None:
    person.come_back()
    sent = person.browser.ask("GET", address(), None)

    assert sent.status == 303
    assert sent.headers["Cache-Control"] == "no-store"
    assert sent.headers["Referrer-Policy"] == "no-referrer"


def test_what_was_asked_stands_in_no_column(person: Person, partner: Client) -> None:
    until_code(person, state="canary-state", login_hint="+12125550177", nonce="canary-nonce")
    with transaction() as session:
        rows = session.execute(text("SELECT row_to_json(r)::text FROM auth.authorization_request r")).scalars().all()

    assert rows
    assert not any("canary" in row or "5550177" in row for row in rows)


def test_what_is_over_is_forgotten_with_its_key(person: Person, partner: Client, watch: Watch) -> None:
    until_code(person)
    with transaction() as session:
        ids = session.scalars(select(AuthorizationRequest.id)).all()
    watch.move(minutes=11)

    work.sweep(watch.now)

    with transaction() as session:
        assert session.scalars(select(AuthorizationRequest.id)).all() == []
        assert [session.get(crypto.DataKey, each) for each in ids] == [None]
