"""/device: a customer types the code that a device shows, and says whether the device is theirs."""

import pytest
from flask import Flask
from sqlalchemy import text

from core.db import transaction
from tests.auth.authorizing.conftest import SITE, Person
from tests.auth.conftest import Phone, Watch
from tests.auth.device_grants.conftest import Device


@pytest.fixture
def person(app: Flask, phone: Phone, watch: Watch) -> Person:
    return Person(app, phone)


def status_of_grant() -> str:
    with transaction() as session:
        return str(session.scalar(text("SELECT status FROM auth.device_grant")))


def test_a_customer_lets_a_device_in(person: Person, television: Device, watch: Watch) -> None:
    told = television.ask(scope="openid").json
    watch.move(seconds=40)

    pages = person.robot.through(told["verification_uri_complete"].replace("http://127.0.0.1:8000", SITE))

    titles = [page.title for page in pages]
    assert titles[-2:] == ["Let The big screen in?", "The device is signed in"]
    assert told["user_code"] in pages[-2].text and "40 s ago" in pages[-2].text
    answer = television.poll(told["device_code"])
    assert answer.status_code == 200, answer.json
    assert person.browser.open(told["verification_uri_complete"]).status == 422


def test_a_code_may_be_typed(person: Person, television: Device) -> None:
    code = television.ask().json["user_code"]
    first = person.browser.open(f"{SITE}/device")
    assert first.title == "Sign in"
    shown = person.robot.answer(person.robot.answer(first))
    assert shown.title == "Let a device in"

    wrong = person.browser.send(shown.forms[0], user_code="BBBB-BBBB")
    assert wrong.status == 422 and 'aria-invalid="true"' in wrong.text
    asked = person.browser.send(wrong.forms[0], user_code=code.lower().replace("-", " "))

    assert asked.title == "Let The big screen in?"
    assert status_of_grant() == "waiting"
    assert person.browser.send(asked.forms[1]).title == "The device was not let in"
    assert status_of_grant() == "denied"


def test_a_tills_code_is_not_a_customers_to_decide(person: Person, device: Device) -> None:
    code = device.ask().json["user_code"]
    shown = person.robot.answer(person.robot.answer(person.browser.open(f"{SITE}/device")))

    assert person.browser.send(shown.forms[0], user_code=code).status == 422
    assert person.browser.client.post("/device", data={"user_code": code, "answer": "yes"}).status_code in (303, 422)
    assert status_of_grant() == "waiting"


def test_nobody_who_is_not_signed_in_decides(app: Flask, television: Device) -> None:
    code = television.ask().json["user_code"]

    answer = app.test_client().post("/device", data={"user_code": code, "answer": "yes"})

    assert answer.status_code == 303 and "/sign-in?" in answer.headers["Location"]
    assert status_of_grant() == "waiting"


def test_a_form_on_another_site_decides_nothing(person: Person, television: Device) -> None:
    code = television.ask().json["user_code"]
    person.robot.answer(person.robot.answer(person.browser.open(f"{SITE}/device")))

    answer = person.browser.client.post(
        "/device", data={"user_code": code, "answer": "yes"}, headers={"Origin": "https://evil.example"}, base_url=SITE
    )

    assert answer.status_code == 410 and status_of_grant() == "waiting"


def test_guessing_on_the_page_is_stopped(person: Person, television: Device, watch: Watch) -> None:
    watch.now = watch.now.replace(minute=0)
    code = television.ask().json["user_code"]
    shown = person.robot.answer(person.robot.answer(person.browser.open(f"{SITE}/device")))
    statuses = [person.browser.send(shown.forms[0], user_code="BBBB-BBBB").status for _ in range(11)]

    assert statuses == [422] * 10 + [429]
    assert person.browser.send(shown.forms[0], user_code=code).status == 429


def test_the_page_cannot_be_framed_and_runs_no_script(person: Person, television: Device) -> None:
    code = television.ask().json["user_code"]
    person.robot.answer(person.robot.answer(person.browser.open(f"{SITE}/device")))

    page = person.browser.open(f"{SITE}/device?user_code={code}")

    policy = page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy and "script-src" not in policy
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "%00", "é" * 50, "' OR 1=1"])
def test_what_is_no_code_is_told_so(person: Person, typed: str) -> None:
    shown = person.robot.answer(person.robot.answer(person.browser.open(f"{SITE}/device")))

    page = person.browser.send(shown.forms[0], user_code=typed)

    assert page.status == 422 and "<script>alert" not in page.text
