"""Recovery by e-mail: two codes, then days in which everybody is told."""

import re
from typing import Any

import pytest

from auth import customers, emails
from auth.models import Customer
from auth.native import work
from core.db import transaction
from core.delivery import work as delivery
from core.gateways import sandbox
from tests.auth.conftest import PHONE, Phone, Watch

NEW, EMAIL = "+12125550177", "ada@example.com"
PATH = "/oauth/authorize-challenge"


@pytest.fixture
def ada(phone: Phone, watch: Watch) -> Customer:
    """A customer who proved an e-mail address, and has lost the telephone."""
    with transaction() as session:
        customer = customers.sign_up(session, phone=PHONE, locale=None, time_zone=None, now=watch.now)
        customer.email = emails.sealed(session, customer.id, EMAIL)
        customer.email_index, customer.email_verified_at = emails.index_of(EMAIL), watch.now
    return customer


def begin(phone: Phone, email: str = EMAIL, number: str = NEW) -> Any:
    return phone.post(PATH, method="recovery", login_hint=number, email=email)


def mails(phone: Phone, watch: Watch, email: str = EMAIL) -> list[str]:
    delivery.send_due(phone.app.extensions["gateways"], watch.now)
    with transaction() as session:
        return [str(message.content["body"]) for message in sandbox.kept(session, recipient=email)]


def mailed_code(phone: Phone, watch: Watch) -> str:
    found = re.match(r"\d{6}", mails(phone, watch)[0])
    assert found
    return found[0]


def prove(phone: Phone, auth_session: str, otp: str, email_code: str) -> Any:
    return phone.post(PATH, auth_session=auth_session, otp=otp, email_code=email_code)


def number_of(customer: Customer) -> str:
    with transaction() as session:
        return customers.phone_of(session, customer.id)


def test_both_codes_give_the_customer_another_number_after_three_days(
    ada: Customer, phone: Phone, watch: Watch
) -> None:
    asked = begin(phone)
    assert (asked.status_code, asked.json["methods"]) == (400, ["otp", "email_code"])

    proved = prove(phone, asked.json["auth_session"], phone.read_code(NEW), mailed_code(phone, watch))

    assert proved.status_code == 200
    assert "authorization_code" not in proved.json
    assert any("cancel it" in body for body in mails(phone, watch))
    watch.move(hours=72, seconds=-1)
    work.change_numbers(watch.now)
    assert number_of(ada) == PHONE
    watch.move(seconds=1)
    work.change_numbers(watch.now)
    assert number_of(ada) == NEW
    assert phone.sign_in(NEW)["access_token"]


def test_one_right_code_is_not_enough_and_five_tries_are_all(ada: Customer, phone: Phone, watch: Watch) -> None:
    auth_session = begin(phone).json["auth_session"]
    otp, mailed = phone.read_code(NEW), mailed_code(phone, watch)
    wrong_otp, wrong_mailed = (f"{(int(code) + 1) % 1_000_000:06}" for code in (otp, mailed))

    told = [
        prove(phone, auth_session, *codes)
        for codes in ((otp, wrong_mailed), (wrong_otp, mailed), (wrong_otp, wrong_mailed), (mailed, otp), (otp, "x"))
    ]

    assert [answer.json["error"] for answer in told] == ["insufficient_authorization"] * 4 + ["invalid_session"]
    assert {answer.json["error_description"] for answer in told[:4]} == {"One of the codes is wrong"}
    assert prove(phone, auth_session, otp, mailed).json["error"] == "invalid_session"


def test_an_address_that_nobody_has_gets_the_same_answer_and_no_mail(ada: Customer, phone: Phone, watch: Watch) -> None:
    known, unknown = begin(phone), begin(phone, "eve@example.com", "+12125550178")

    told = []
    for answer in (known, unknown):
        told.append((answer.status_code, {**answer.json, "auth_session": ""}, sorted(answer.headers.keys())))
    assert told[0] == told[1]
    assert len(mails(phone, watch, "eve@example.com")) == 0
    assert len(mails(phone, watch)) == 1
    code = phone.read_code("+12125550178")
    assert prove(phone, unknown.json["auth_session"], code, "123456").json["tries_left"] == 4


def test_the_code_to_the_number_alone_signs_nobody_in(ada: Customer, phone: Phone) -> None:
    auth_session = begin(phone).json["auth_session"]

    answer = phone.prove(auth_session, phone.read_code(NEW))

    assert answer.json["error"] == "invalid_session"


def test_a_number_that_another_customer_has_is_not_given(ada: Customer, phone: Phone, watch: Watch) -> None:
    phone.sign_in(NEW)
    watch.move(minutes=1)
    auth_session = begin(phone).json["auth_session"]

    answer = prove(phone, auth_session, phone.read_code(NEW), mailed_code(phone, watch))

    assert answer.json["error"] == "access_denied"
    assert number_of(ada) == PHONE


def test_an_address_is_tried_three_times_a_day_from_one_place(ada: Customer, phone: Phone, watch: Watch) -> None:
    watch.now = watch.now.replace(hour=1)
    asked = [begin(phone, number=f"+1212555018{n}") for n in range(4)]
    phone.address = "192.0.2.2"

    assert [answer.status_code for answer in asked] == [400, 400, 400, 429]
    assert begin(phone).status_code == 400


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@example.com", "ada@example.com\n"])
def test_what_is_no_address_is_refused(phone: Phone, email: str) -> None:
    refused = begin(phone, email)

    if email.strip() != EMAIL:
        assert (refused.status_code, refused.json["error"]) == (400, "invalid_request")
