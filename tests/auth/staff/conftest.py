"""What the tests of staff share: an admin's app, mailboxes, and persons at their browsers with authenticators."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import psycopg
import pytest
from flask import Flask

from auth import staff, tokens
from auth.models import ACTIVE, Staff
from auth.oauth import clients, pkce
from auth.oauth.models import Client as ClientRow
from auth.staff import persons, totp
from core import clock
from core.db import transaction
from core.delivery import work
from core.gateways import sandbox
from core.web.principals import Principal
from tests.auth.authenticator import Authenticator
from tests.auth.conftest import VERIFIER, Watch
from tests.auth.robot import Browser, FlaskBrowser, Form, Forms, Page

SITE = "http://127.0.0.1:8000"
BACK = "https://admin.example/back"
EMAIL = "ada@example.com"


@pytest.fixture
def admin_app(database: None, sweeper: psycopg.Connection) -> Iterator[None]:
    """The staff's own client, with an address to come back to."""
    _set_uris([BACK])
    yield
    sweeper.execute("SELECT testing.empty_tables()")
    _set_uris([])


def _set_uris(uris: list[str]) -> None:
    with transaction() as session:
        session.get_one(ClientRow, "pocketful-admin").redirect_uris = uris
    clients.forget_known()


@dataclass
class Person:
    """Somebody of staff with a mailbox, a browser, and what they made to sign in with."""

    app: Flask
    email: str = EMAIL
    browser: Browser = field(init=False)
    key: Authenticator = field(default_factory=lambda: Authenticator(rp_id="localhost"))
    secret: bytes = b""
    recovery_codes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.browser = FlaskBrowser(self.app.test_client(), SITE)

    def mails(self) -> list[str]:
        work.send_due(self.app.extensions["gateways"], clock.now())
        with transaction() as session:
            given = sandbox.kept(session, recipient=self.email)
        return [each.content["body"] for each in sorted(given, key=lambda each: str(each.content["message_id"]))]

    def link(self) -> str:
        found = re.search(r"\S+/staff/join/\S+", self.mails()[-1])
        assert found
        return found[0]

    def mailed_code(self) -> str:
        found = re.match(r"\d{6}", self.mails()[-1])
        assert found
        return found[0]

    def join_with_authenticator(self, link: str | None = None) -> Page:
        page = self.send(self.browser.open(link or self.link()), "/authenticator")
        self.read_key(page)
        return self._joined(self.send(page, "/proof", shown=self.shown()))

    def read_key(self, page: Page) -> None:
        """Type what the page shows into the authenticator."""
        found = re.search(r"type this key: (\w+)", page.text)
        assert found, page.text
        self.secret = base64.b32decode(found[1])

    def join_with_passkey(self, link: str | None = None) -> Page:
        page = self.browser.open(link or self.link())
        made = self.key.create(options_in(page))
        return self._joined(self.send(page, "/passkey", credential=json.dumps(made)))

    def _joined(self, page: Page) -> Page:
        self.recovery_codes = re.findall(r"<li>([A-Z2-7-]{19})</li>", page.text)
        return page

    def shown(self) -> str:
        """What the authenticator shows just now."""
        return totp.code_at(self.secret, clock.now())

    def ask_to_sign_in(self, **more: str) -> Page:
        asked = {
            "client_id": "pocketful-admin", "redirect_uri": BACK, "response_type": "code", "state": "s",
            "scope": "openid offline_access", "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256", **more,
        }  # fmt: skip
        return self.browser.open(f"{self.browser.site}/oauth/authorize?{urlencode(asked)}")

    def have_code_mailed(self) -> Page:
        return self.send(self.ask_to_sign_in(prompt="login"), "/staff/sign-in", email=self.email)

    def sign_in_with_codes(self) -> Page:
        page = self.have_code_mailed()
        return self.send(page, "/codes", mailed=self.mailed_code(), shown=self.shown())

    def sign_in_with_passkey(self, **bent: Any) -> Page:
        page = self.ask_to_sign_in()
        signed = self.key.get(options_in(page), **bent)
        return self.send(page, "/passkey", credential=json.dumps(signed))

    def redeem(self, page: Page) -> Any:
        """The tokens of the code that the browser came back with."""
        assert page.address.startswith(BACK), (page.address, page.status, page.text)
        code = parse_qs(urlsplit(page.address).query)["code"][0]
        return self._token(grant_type="authorization_code", code=code, code_verifier=VERIFIER, redirect_uri=BACK)

    def refresh(self, token: str) -> Any:
        return self._token(grant_type="refresh_token", refresh_token=token)

    def _token(self, **form: str) -> Any:
        return self.app.test_client().post("/oauth/token", data={"client_id": "pocketful-admin", **form})

    def send(self, page: Page, to: str, **filled: str) -> Page:
        """Fill in and send the form of a page whose address ends so."""
        found = [form for form in forms_of(page) if urlsplit(form.action).path.endswith(to)]
        assert found, (to, page.status, page.text)
        return self.browser.send(found[0], **filled)


def forms_of(page: Page) -> list[Form]:
    """Its forms, those too that only a browser with scripts shows."""
    return Forms(page.text, page.address).found


def options_in(page: Page) -> dict[str, Any]:
    """What the page would hand to the browser's passkey dialogue."""
    from html import unescape

    found = re.search(r'data-options="([^"]+)"', page.text)
    assert found, (page.status, page.text)
    options: dict[str, Any] = json.loads(unescape(found[1]))
    return options


def invite(email: str = EMAIL, *roles: str, by: Principal | None = None, now: Any = None) -> UUID:
    with transaction() as session:
        person, _ = persons.invite(
            session, email=email, name="Ada L.", roles=roles, by=by, brand_name="Pocketful", address=SITE,
            now=now or clock.now(),
        )  # fmt: skip
        return person.id


def status_of(staff_id: UUID) -> str:
    with transaction() as session:
        return session.get_one(Staff, staff_id).status


def bearer(staff_id: UUID, *, auth_time: int | None = None, acr: str = "phr") -> dict[str, str]:
    """A token of a person's, as their sign-in of just now would give it."""
    from dataclasses import replace

    now = clock.now()
    with transaction() as session:
        principal = staff.principal_of(session.get_one(Staff, staff_id))
    fresh = replace(principal, auth_time=int(now.timestamp()) if auth_time is None else auth_time, acr=acr)
    token = tokens.mint(fresh, audience=tokens.ADMIN, client_id="pocketful-admin", now=now)
    return {"Authorization": f"Bearer {token}"}


def add(email: str, *roles: str) -> UUID:
    """Somebody who is active."""
    with transaction() as session:
        return staff.add(session, email=email, name="N. N.", roles=roles, status=ACTIVE, now=clock.now()).id


@pytest.fixture
def ada(app: Flask, watch: Watch, admin_app: None) -> Person:
    """Somebody who was invited as support just now."""
    invite(EMAIL, "support")
    return Person(app)
