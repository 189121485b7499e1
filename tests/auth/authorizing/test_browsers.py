"""Cookies, tabs and other people's browsers."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from auth import customers, sessions, staff
from auth.authorizing import work
from auth.authorizing.api import browsers
from auth.authorizing.errors import SignInOver
from auth.authorizing.models import AuthorizationRequest
from auth.oauth.clients import Client
from auth.proofs import PHISHING_RESISTANT, Owner, Proved
from auth.sessions.models import LoginSession
from core import crypto
from core.db import transaction
from tests.auth import partners
from tests.auth.authorizing.conftest import SITE, Person, address, answer_in, asking
from tests.auth.conftest import Watch
from tests.auth.robot import Page


def cookie_of(person: Person, name: str = "session") -> str | None:
    found = person.browser.client.get_cookie(name, domain="127.0.0.1")
    return found.value if found else None


def until_code(person: Person, **asked: str | None) -> Page:
    return person.robot.answer(person.open(**asked))


def test_the_cookie_changes_with_each_sign_in(person: Person, partner: Client) -> None:
    person.browser.client.set_cookie("session", "planted", domain="127.0.0.1")
    person.come_back()
    first = cookie_of(person)
    person.come_back(prompt="login")

    assert first not in (None, "planted")
    assert cookie_of(person) not in (None, first)


def test_a_cookie_of_before_is_worth_nothing(person: Person, partner: Client) -> None:
    person.come_back()
    first = cookie_of(person)
    person.come_back(prompt="login")
    thief = Person(person.app, person.phone)
    thief.browser.client.set_cookie("session", first or "", domain="127.0.0.1")

    assert answer_in(thief.open(prompt="none"))["error"] == "login_required"


def test_signing_in_once_more_signs_nobody_out(person: Person, partner: Client) -> None:
    tokens = person.redeem(person.come_back(scope="openid offline_access")["code"]).json
    person.come_back(prompt="login")

    form = {"grant_type": "refresh_token", "client_id": "shop", "refresh_token": tokens["refresh_token"]}
    assert person.app.test_client().post("/oauth/token", data=form).status_code == 200


def test_who_takes_anothers_place_ends_the_others_sign_in(person: Person, partner: Client) -> None:
    tokens = person.redeem(person.come_back(scope="openid offline_access")["code"]).json
    person.robot.number = "+12125550199"
    person.come_back(prompt="login")

    form = {"grant_type": "refresh_token", "client_id": "shop", "refresh_token": tokens["refresh_token"]}
    assert person.app.test_client().post("/oauth/token", data=form).status_code == 400


def test_another_browser_cannot_go_on_with_a_sign_in(person: Person, partner: Client) -> None:
    """Login CSRF: a victim's browser, led to the attacker's half-done sign-in, is not signed in by it."""
    page = until_code(person)
    victim = Person(person.app, person.phone)
    victim.open()

    sent = victim.browser.send(page.forms[0], code=person.phone.read_code(person.number))

    assert (sent.status, sent.title) == (410, "This sign-in is over")
    assert cookie_of(victim) is None


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8001", "https://127.0.0.1:8000"])
def test_a_form_of_another_site_is_refused(person: Person, partner: Client, origin: str) -> None:
    page = person.open()
    form = {**page.forms[0].fields, "phone": person.number}

    sent = person.browser.client.post("/sign-in", data=form, base_url=SITE, headers={"Origin": origin})

    assert sent.status_code == 410


def test_two_tabs_sign_in_side_by_side(person: Person, partner: Client) -> None:
    first, second = until_code(person, state="one"), until_code(person, state="two")
    code = person.phone.read_code(person.number)

    done = person.browser.send(second.forms[0], code=code)
    while person.browser.is_ours(done.address):
        done = person.robot.answer(done)
    # The first tab's own code was texted before; who is signed in meanwhile needs none.
    again = person.browser.open(f"{SITE}/sign-in/next?r={first.forms[0].fields['r']}")

    assert answer_in(done)["state"] == "two"
    assert answer_in(again)["state"] == "one"


def test_after_the_code_the_pages_are_over(person: Person, partner: Client) -> None:
    pages = person.robot.through(address())
    handle = pages[0].forms[0].fields["r"]

    for path in ("/sign-in", "/sign-in/code", "/sign-in/consent", "/sign-in/next", "/sign-out"):
        assert person.browser.open(f"{SITE}{path}?r={handle}").status == 410
    for page in pages[:-1]:
        assert person.browser.send(page.forms[0]).status == 410


@pytest.mark.parametrize(("seconds", "status"), [(599, 303), (600, 410)])
def test_a_sign_in_waits_for_ten_minutes(
    person: Person, partner: Client, watch: Watch, seconds: int, status: int
) -> None:
    page = person.open()
    watch.move(seconds=seconds)

    sent = person.browser.ask("POST", page.forms[0].action, {**page.forms[0].fields, "phone": person.number})

    assert sent.status == status


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
        customers.set_suspended(session, found, is_suspended=True)

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


def test_a_session_that_was_ended_elsewhere_is_over(person: Person, partner: Client, watch: Watch) -> None:
    person.come_back()
    with transaction() as session:
        [row] = session.scalars(select(LoginSession).where(LoginSession.kind == "web")).all()
        sessions.end(session, row.id, because="signed_out", now=watch.now)

    assert answer_in(person.open(prompt="none"))["error"] == "login_required"


def test_thirty_who_send_one_code_at_once_sign_in_once(person: Person, partner: Client) -> None:
    page = until_code(person)
    flow, code = cookie_of(person, "flow"), person.phone.read_code(person.number)
    form = {**page.forms[0].fields, "code": code}

    answers = at_once(person, lambda http: http.post("/sign-in/code", data=form, base_url=SITE), flow)

    assert all(status in (303, 400, 410) for status, _ in answers), answers
    assert len([location for status, location in answers if status == 303]) == 1
    with transaction() as session:
        assert len(session.scalars(select(LoginSession.id)).all()) == 1


def test_thirty_who_go_on_at_once_get_one_code(person: Person, partner: Client) -> None:
    person.come_back()
    flow, cookie = cookie_of(person, "flow"), cookie_of(person)
    sent = person.browser.ask("POST", f"{SITE}/oauth/authorize", asking())
    flow = cookie_of(person, "flow")

    answers = at_once(person, lambda http: http.get(sent.headers["Location"], base_url=SITE), flow, cookie)

    assert sorted(status for status, _ in answers) == [303] + [410] * 29


def at_once(
    person: Person, ask: Callable[[FlaskClient], TestResponse], flow: str | None, cookie: str | None = None
) -> list[tuple[int, str | None]]:
    """Status and Location of thirty answers to one browser that asks in one instant."""

    def one(_: int) -> tuple[int, str | None]:
        http = person.app.test_client()
        http.set_cookie("flow", flow or "", domain="127.0.0.1")
        http.set_cookie("session", cookie or "", domain="127.0.0.1")
        answer = ask(http)
        return answer.status_code, answer.headers.get("Location")

    with ThreadPoolExecutor(30) as pool:
        return list(pool.map(one, range(30)))


def test_nothing_of_a_sign_in_stands_in_the_log(
    person: Person, partner: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        told = person.come_back(state="canary-state", nonce="canary-nonce", login_hint="+12125550177")
    cookies = [cookie_of(person), cookie_of(person, "flow")]

    assert caplog.records
    for secret in ("canary", "5550142", "5550177", told["code"], *filter(None, cookies)):
        assert secret not in caplog.text


@pytest.fixture
def staff_uri(database: None, sweeper: psycopg.Connection) -> Iterator[str]:
    """The staff's pages, which somebody can sign in to; their redirect URI."""
    uri = "https://staff.example/back"
    with partners.client(sweeper, "staff-pages", kind="staff", audience="admin", redirect_uris=[uri]):
        yield uri


def test_who_is_signed_in_as_a_customer_is_nobody_to_the_staffs_pages(
    person: Person, partner: Client, staff_uri: str
) -> None:
    person.come_back()

    page = person.open(client_id="staff-pages", redirect_uri=staff_uri)
    silent = person.open(client_id="staff-pages", redirect_uri=staff_uri, prompt="none")

    assert page.address.startswith(f"{SITE}/staff/sign-in?r=")
    assert answer_in(silent)["error"] == "login_required"


def test_staff_and_customers_sit_at_one_browser(person: Person, partner: Client, staff_uri: str, watch: Watch) -> None:
    person.come_back()
    handle = person.open(client_id="staff-pages", redirect_uri=staff_uri).address.partition("r=")[2]

    sent = _sign_in_as_staff(person, handle, watch)

    assert answer_in(sent)["code"]
    assert "code" in answer_in(person.open(prompt="none"))
    assert "code" in answer_in(person.open(client_id="staff-pages", redirect_uri=staff_uri, prompt="none"))


def test_a_person_of_staff_is_not_signed_in_to_a_partners(person: Person, partner: Client, watch: Watch) -> None:
    handle = person.open().forms[0].fields["r"]

    with pytest.raises(SignInOver):
        _sign_in_as_staff(person, handle, watch)


def _sign_in_as_staff(person: Person, handle: str, watch: Watch) -> Page:
    """What the staff's own pages do, once somebody has proved who they are."""
    with transaction() as session:
        row = staff.add(session, email="ada@example.com", name="Ada", permissions=[], now=watch.now)
        proved = Proved(owner=Owner(staff_id=row.id), auth_time=watch.now, acr=PHISHING_RESISTANT, amr=("hwk", "user"))
    flow = cookie_of(person, "flow")
    with person.app.test_request_context("/staff/sign-in", base_url=SITE, headers={"Cookie": f"flow={flow}"}):
        with transaction() as session:
            path = browsers.sign_in(session, proved, request_handle=handle, now=watch.now)
        answer = person.app.process_response(browsers.see_other(path))
    [cookie] = [header for header in answer.headers.getlist("Set-Cookie") if header.startswith("staff=")]
    person.browser.client.set_cookie("staff", cookie.partition("=")[2].partition(";")[0], domain="127.0.0.1")
    return person.browser.open(f"{SITE}{path}")
