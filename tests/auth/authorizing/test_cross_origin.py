"""Pages of clients that call us by script from their own origin, and pages of anybody else."""

from typing import Any

import psycopg
import pytest

from auth.oauth import origins
from auth.oauth.clients import Client
from core.errors import DatabaseUnavailable
from tests.auth import partners
from tests.auth.authorizing.conftest import Person

ORIGIN = "https://shop.example"
OPENED = "Access-Control-Allow-Origin"


def ask(person: Person, method: str, path: str, origin: str = ORIGIN) -> Any:
    return person.app.test_client().open(path, method=method, headers={"Origin": origin})


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/userinfo"])
def test_a_clients_page_may_ask_and_read(person: Person, partner: Client, path: str) -> None:
    first, answer = ask(person, "OPTIONS", path), ask(person, "POST", path)

    assert first.status_code == 200
    assert first.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, DPoP"
    assert [each.headers[OPENED] for each in (first, answer)] == [ORIGIN, ORIGIN]
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://shop.example.evil.example", "https://shop.exampl", "https://shop", "http://shop.example",
     "https://shop.example:8443", "https://SHOP.example", "https://shop.example/", "null", "*", "%", ""],
)  # fmt: skip
def test_nobody_elses_page_may(person: Person, partner: Client, origin: str) -> None:
    assert OPENED not in ask(person, "POST", "/oauth/token", origin).headers


def test_a_suspended_clients_page_may_not(person: Person, sweeper: psycopg.Connection) -> None:
    with partners.client(sweeper, "gone", status="suspended"):
        assert OPENED not in ask(person, "POST", "/oauth/token").headers


def test_an_answer_stands_when_nobody_can_look_whose_page_asked(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise DatabaseUnavailable

    origins.forget_known()
    monkeypatch.setattr(origins, "transaction", away)
    answer = ask(person, "POST", "/oauth/token")

    assert answer.status_code == 400
    assert OPENED not in answer.headers


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/.well-known/jwks.json"])
def test_anybodys_page_may_read_what_is_everybodys(person: Person, path: str) -> None:
    assert ask(person, "GET", path, "https://anybody.example").headers[OPENED] == "*"


@pytest.mark.parametrize("path", ["/oauth/authorize", "/sign-in", "/oauth/logout", "/app/v1/me"])
def test_pages_and_doors_are_open_to_no_script(person: Person, partner: Client, path: str) -> None:
    assert OPENED not in ask(person, "GET", path).headers
