"""Cookies, tabs and other people's browsers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from auth import sessions, staff
from auth.authorizing.api import browsers
from auth.authorizing.api.pages.routes import own_origin
from auth.authorizing.errors import SignInOver
from auth.oauth.clients import Client
from auth.proofs import PHISHING_RESISTANT, Owner, Proved
from auth.sessions.models import LoginSession
from core.db import transaction
from tests.auth import partners
from tests.auth.authorizing.conftest import SITE, Person, address, answer_in, asking, cookie_of, until_code
from tests.auth.conftest import Watch
from tests.auth.robot import Page


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


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Login.Example:443/", "https://login.example"),
        ("http://login.example:80", "http://login.example"),
        ("https://login.example:8443/shop", "https://login.example:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_our_origin_is_spelled_as_browsers_spell_it(address: str, origin: str) -> None:
    assert own_origin(address) == origin


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


def test_a_staffs_sign_in_has_no_customers_page(person: Person, staff_uri: str) -> None:
    handle = person.open(client_id="staff-pages", redirect_uri=staff_uri).address.partition("r=")[2]

    assert [person.browser.open(f"{SITE}/sign-in{page}?r={handle}").status for page in ("", "/code")] == [410, 410]


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
