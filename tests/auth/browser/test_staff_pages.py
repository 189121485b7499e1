"""Staff before a real browser: they join by an invitation's link and sign in, with a passkey or without any script."""

import base64
import re
from collections.abc import Iterator

import psycopg
import pytest

from auth.oauth import clients
from auth.oauth.models import Client as ClientRow
from auth.staff import persons, totp
from core import clock
from core.db import transaction
from core.delivery import work
from core.gateways import sandbox
from tests.auth.browser.conftest import Partners, Site, asking
from tests.auth.browser.tab import Tab
from tests.auth.conftest import Watch

EMAIL = "ada@example.com"


@pytest.fixture
def link(site: Site, partners_server: Partners, sweeper: psycopg.Connection) -> Iterator[str]:
    """The link of somebody who was invited; the staff's own client leads back to the server that stands for it."""
    _lead_back_to([f"{partners_server.url}/back?web=1"])
    with transaction() as session:
        _, link = persons.invite(
            session, email=EMAIL, name="Ada", roles=["support"], by=None, brand_name="Green & Co", address=site.url,
            now=clock.now(),
        )  # fmt: skip
    yield link
    sweeper.execute("SELECT testing.empty_tables()")
    _lead_back_to([])


def _lead_back_to(uris: list[str]) -> None:
    with transaction() as session:
        session.get_one(ClientRow, "pocketful-admin").redirect_uris = uris
    clients.forget_known()


def ask_to_sign_in(tab: Tab, site: Site, server: Partners) -> None:
    tab.open(asking(site, f"{server.url}/back?web=1", client_id="pocketful-admin"))
    tab.until_title("Sign in as staff")


def test_staff_join_and_sign_in_with_a_passkey(tab: Tab, site: Site, partners_server: Partners, link: str) -> None:
    tab.add_authenticator()
    tab.open(link)
    tab.until_title("Join Green & Co's staff")
    tab.press("#passkey button")
    tab.until_title("Keep your recovery codes")
    assert tab.value("document.querySelectorAll('li').length") == 10

    ask_to_sign_in(tab, site, partners_server)
    tab.press("#passkey button")
    tab.until_title("Welcome")

    assert any("code=" in path for path in partners_server.asked)
    assert [entry for entry in tab.events("Log.entryAdded") if entry["entry"]["source"] == "security"] == []


def test_staff_join_and_sign_in_without_scripts(
    tab: Tab, site: Site, partners_server: Partners, link: str, watch: Watch
) -> None:
    tab.switch_scripts_off()
    tab.open(link)
    tab.press("form[action$='/authenticator'] button")
    tab.until_title("Scan this with your authenticator")
    assert tab.value("document.querySelector('svg').getBoundingClientRect().width") == 240
    typed = re.search(r"type this key: (\w+)", str(tab.value("document.body.innerText")))
    assert typed
    secret = base64.b32decode(typed[1])
    tab.fill("shown", totp.code_at(secret, clock.now()))
    tab.press("form[action$='/proof'] button")
    tab.until_title("Keep your recovery codes")

    watch.move(seconds=30)
    ask_to_sign_in(tab, site, partners_server)
    tab.fill("email", EMAIL)
    tab.press("form[action='/staff/sign-in'] button")
    tab.until_title("Enter your codes")
    tab.fill("mailed", _mailed(site))
    tab.fill("shown", totp.code_at(secret, clock.now()))
    tab.press("form[action='/staff/sign-in/codes'] button")
    tab.until_title("Welcome")

    assert any("code=" in path for path in partners_server.asked)


def _mailed(site: Site) -> str:
    work.send_due(site.app.extensions["gateways"], clock.now())
    with transaction() as session:
        given = sandbox.kept(session, recipient=EMAIL)
    return next(found[0] for each in given if (found := re.match(r"\d{6}", each.content["body"])))
