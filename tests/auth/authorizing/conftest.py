"""What the tests of signing in with a browser share: partners, and a person at a browser."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
import pytest
from flask import Flask

from auth.oauth import clients, pkce
from auth.oauth.clients import Client
from auth.oauth.models import Client as ClientRow
from core.db import transaction
from tests.auth import partners
from tests.auth.conftest import PHONE, VERIFIER, Phone
from tests.auth.partners import REDIRECT_URI
from tests.auth.robot import FlaskBrowser, Page, Robot

SITE = "http://127.0.0.1:8000"


@pytest.fixture
def partner(database: None, sweeper: psycopg.Connection) -> Iterator[Client]:
    """A public client of a partner's."""
    with partners.client(sweeper, "shop") as client:
        yield client


@pytest.fixture
def own_app(database: None, sweeper: psycopg.Connection) -> Iterator[str]:
    """The brand's own app, which can be signed in to with a browser; its redirect URI."""
    uri = "com.example.pocketful:/back"
    _set_uris([uri, "http://127.0.0.1/back"])
    yield uri
    sweeper.execute("SELECT testing.empty_tables()")
    _set_uris([])


def _set_uris(uris: list[str]) -> None:
    with transaction() as session:
        session.get_one(ClientRow, "pocketful-app").redirect_uris = uris
    clients.forget_known()


def asking(client_id: str = "shop", redirect_uri: str = REDIRECT_URI, **more: str | None) -> dict[str, str]:
    """An authorization request as most clients send it; what is None is left out."""
    usual = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": "openid",
        "state": "st-1",
        "code_challenge": pkce.challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in {**usual, **more}.items() if value is not None}


def address(**more: str | None) -> str:
    return f"{SITE}/oauth/authorize?{urlencode(asking(**more))}"  # type: ignore[arg-type]


def answer_in(page: Page | str) -> dict[str, str]:
    """The parameters of an address outside."""
    told = page if isinstance(page, str) else page.address
    return {name: values[0] for name, values in parse_qs(urlsplit(told).query).items()}


@dataclass
class Person:
    """Somebody with a telephone and a browser."""

    app: Flask
    phone: Phone
    number: str = PHONE
    browser: FlaskBrowser = field(init=False)
    robot: Robot = field(init=False)

    def __post_init__(self) -> None:
        self.browser = FlaskBrowser(self.app.test_client(), SITE)
        self.robot = Robot(self.browser, self.phone.read_code, self.number)

    def open(self, **asked: str | None) -> Page:
        return self.browser.open(address(**asked))

    def come_back(self, **asked: str | None) -> dict[str, str]:
        """Through all pages, saying yes; what the client is told in the end."""
        return answer_in(self.robot.sign_in(address(**asked)))

    def redeem(
        self,
        code: str,
        client_id: str = "shop",
        redirect_uri: str = REDIRECT_URI,
        headers: dict[str, str] | None = None,
        **more: str,
    ) -> Any:
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER,
                "client_id": client_id, "redirect_uri": redirect_uri, **more}  # fmt: skip
        return self.app.test_client().post("/oauth/token", data=form, headers=headers)


@pytest.fixture
def person(app: Flask, phone: Phone) -> Person:
    return Person(app, phone)


def out(**given: str) -> str:
    return f"{SITE}/oauth/logout?{urlencode(given)}"


def tokens_of(person: Person, client_id: str = "shop") -> Any:
    answer = person.redeem(person.come_back(client_id=client_id, scope="openid offline_access")["code"], client_id)
    assert answer.status_code == 200, answer.json
    return answer.json


def refresh(person: Person, token: str, client_id: str = "shop") -> int:
    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token}
    return person.app.test_client().post("/oauth/token", data=form).status_code


def cookie_of(person: Person, name: str = "session") -> str | None:
    found = person.browser.client.get_cookie(name, domain="127.0.0.1")
    return found.value if found else None


def until_code(person: Person, **asked: str | None) -> Page:
    return person.robot.answer(person.open(**asked))
