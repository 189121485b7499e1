"""Keys by command, by staff, and as everybody reads them."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth import tokens
from auth.keys import ring, rotating
from core import clock
from core.settings import Settings
from core.web.principals import Principal

PATH = "/admin/v1/signing-keys"


@pytest.fixture(autouse=True)
def _opened(app: Flask) -> Iterator[None]:
    rotating.open_ring(clock.now())
    yield
    tokens.load_key(Settings(environment="test"))


@pytest.fixture
def headers() -> dict[str, str]:
    person = Principal(kind="staff", id=uuid4(), permissions=frozenset({"keys.read", "keys.rotate"}))
    token = tokens.mint(person, audience=tokens.ADMIN, client_id="test", now=clock.now())
    return {"Authorization": f"Bearer {token}"}


def test_staff_see_the_keys_and_nothing_of_their_secrets(client: FlaskClient, headers: dict[str, str]) -> None:
    items = client.get(PATH, headers=headers).json["items"]

    assert [(item["alg"], item["status"]) for item in items] == [
        ("ES256", "current"),
        ("ES256", "next"),
        ("RS256", "current"),
    ]
    assert set(items[0]) == {"kid", "alg", "status", "published_at", "current_from", "retired_at"}


def test_staff_rotate_and_their_own_token_stays_good(client: FlaskClient, headers: dict[str, str]) -> None:
    waits = client.post(f"{PATH}/rotations", json={}, headers=headers)
    rotated = client.post(f"{PATH}/rotations", json={"at_once": True}, headers=headers)

    assert [one["alg"] for one in waits.json["waiting"]] == ["ES256", "RS256"]
    assert rotated.json["waiting"] == []
    assert [item["status"] for item in rotated.json["items"] if item["kid"] == ring.own().kid] == ["retired"]
    assert client.get(PATH, headers=headers).status_code == 200


def test_the_key_set_may_be_kept_for_an_hour(client: FlaskClient) -> None:
    answer = client.get("/.well-known/jwks.json")

    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert len(answer.json["keys"]) == 3


def test_the_commands_list_rotate_and_withdraw(app: Flask) -> None:
    runner = app.test_cli_runner()
    kid = ring.own().kid

    assert "too new until" in runner.invoke(args=["keys", "rotate"]).output
    assert "an hour" in runner.invoke(args=["keys", "rotate", "--now"]).output
    assert f"{kid}\n" in runner.invoke(args=["keys", "list"]).output
    in_use = runner.invoke(args=["keys", "withdraw", tokens.key_set()["keys"][0]["kid"]])
    assert (in_use.exit_code, "rotate first" in in_use.output) == (1, True)
    assert runner.invoke(args=["keys", "withdraw", kid]).exit_code == 0
    assert kid not in runner.invoke(args=["keys", "list"]).output
