"""Who hears of a sign-out, and what they hear (OpenID Connect Back-Channel Logout)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import jwt
import psycopg
import pytest
from sqlalchemy import select

from auth.authorizing import back_channel
from auth.authorizing.models import LogoutNotice
from core import work
from core.db import transaction
from tests.auth import partners
from tests.auth.authorizing.conftest import SITE, Person, out, tokens_of
from tests.auth.conftest import Watch

AFTER = "https://shop.example/bye"


class Receiver:
    """A partner's server, as it hears of sign-outs over a loopback socket."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.location: str | None = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.heard.append({"path": self.path, "type": self.headers["Content-Type"], **parse_qs(told)})
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/logout"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = Thread(target=receiver.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


@contextmanager
def signed_out(person: Person, sweeper: psycopg.Connection, uri: str) -> Iterator[Any]:
    """Somebody who signed in to a partner with a back channel, and out again; their tokens."""
    with partners.client(sweeper, "heard", back_channel_uri=uri) as client:
        tokens = tokens_of(person, "heard")
        person.browser.open(out(id_token_hint=tokens["id_token"]))
        yield client, tokens


def notices() -> list[tuple[str, int, str | None]]:
    with transaction() as session:
        rows = session.scalars(select(LogoutNotice)).all()
        return [(row.state, row.attempts, row.last_error) for row in rows]


def test_a_partner_hears_of_a_sign_out(
    person: Person, sweeper: psycopg.Connection, receiver: Receiver, watch: Watch
) -> None:
    with signed_out(person, sweeper, receiver.url) as (_, tokens):
        assert back_channel.tell_due(watch.now, may_be_local=True) == 1
        assert notices() == [("done", 1, None)]

    [told] = receiver.heard
    [token] = told["logout_token"]
    keys = person.app.test_client().get("/.well-known/jwks.json").json
    key = next(
        k for k in jwt.PyJWKSet.from_dict(keys or {}).keys if k.key_id == jwt.get_unverified_header(token)["kid"]
    )
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="heard", issuer=SITE, options={"verify_iat": False})
    known = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    assert (claims["sub"], claims["sid"]) == (known["sub"], known["sid"])
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in claims
    assert claims["exp"] == claims["iat"] + 120
    assert (told["path"], told["type"]) == ("/logout", "application/x-www-form-urlencoded")


def test_a_partner_that_is_down_hears_of_it_later(
    person: Person, sweeper: psycopg.Connection, receiver: Receiver, watch: Watch
) -> None:
    receiver.statuses = [503, 500, 200]
    with signed_out(person, sweeper, receiver.url):
        for _ in range(3):
            back_channel.tell_due(watch.now, may_be_local=True)
            assert back_channel.tell_due(watch.now, may_be_local=True) == 0
            watch.move(minutes=5)
        assert notices() == [("done", 3, None)]

    assert len({told["logout_token"][0] for told in receiver.heard}) == 3


def test_five_tries_are_made_and_no_more(
    person: Person, sweeper: psycopg.Connection, receiver: Receiver, watch: Watch
) -> None:
    receiver.statuses = [503] * 9
    with signed_out(person, sweeper, receiver.url):
        for _ in range(8):
            back_channel.tell_due(watch.now, may_be_local=True)
            watch.move(hours=2)
        assert notices() == [("failed", 5, "answered 503")]


@pytest.mark.parametrize("status", [400, 404, 307])
def test_a_no_is_final_and_a_redirect_is_not_followed(
    person: Person, sweeper: psycopg.Connection, receiver: Receiver, watch: Watch, status: int
) -> None:
    receiver.statuses, receiver.location = [status], receiver.url
    with signed_out(person, sweeper, receiver.url):
        back_channel.tell_due(watch.now, may_be_local=True)
        assert notices() == [("failed", 1, f"answered {status}")]

    assert len(receiver.heard) == 1


def test_in_production_nothing_private_is_called(
    person: Person, sweeper: psycopg.Connection, receiver: Receiver, watch: Watch
) -> None:
    for uri in (receiver.url, receiver.url.replace("http:", "https:"), "https://169.254.169.254/latest"):
        with signed_out(person, sweeper, uri):
            back_channel.tell_due(watch.now, may_be_local=False)
            assert notices() == [("failed", 1, "unsafe")]

    assert receiver.heard == []


def test_a_notice_whose_worker_died_is_told_again(
    person: Person, sweeper: psycopg.Connection, receiver: Receiver, watch: Watch
) -> None:
    with signed_out(person, sweeper, receiver.url):
        with transaction() as session:
            work.claim(
                session, LogoutNotice, waiting="waiting", leased="calling", limit=1, lease=timedelta(minutes=1),
                now=watch.now,
            )  # fmt: skip
        watch.move(minutes=2)
        assert back_channel.recover_lost(watch.now) == 1
        assert back_channel.tell_due(watch.now, may_be_local=True) == 1

    assert len(receiver.heard) == 1


def test_a_partner_without_a_living_sign_in_hears_nothing(
    person: Person, sweeper: psycopg.Connection, receiver: Receiver, watch: Watch
) -> None:
    with partners.client(sweeper, "heard", back_channel_uri=receiver.url):
        tokens = tokens_of(person, "heard")
        form = {"client_id": "heard", "token": tokens["refresh_token"]}
        assert person.app.test_client().post("/oauth/revoke", data=form).status_code == 200
        person.browser.open(out(id_token_hint=tokens["id_token"]))
        assert notices() == []


def test_nothing_that_is_told_is_personal(person: Person, sweeper: psycopg.Connection, receiver: Receiver) -> None:
    with signed_out(person, sweeper, receiver.url), transaction() as session:
        [row] = session.scalars(select(LogoutNotice)).all()
        told = json.dumps({"subject": row.subject, "client": row.client_id})

    assert "555" not in told
