"""Refreshing and redeeming in a rush over several server processes, through a kill, and through a lost COMMIT."""

import json
import os
import signal
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPException
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url, select

from auth import customers
from auth.oauth import clients, codes, families, pkce
from auth.oauth.models import TokenFamily
from auth.proofs import ONE_FACTOR, Grant, Owner, Proved
from auth.sessions import begin
from core import clock, db
from core.db import transaction
from core.settings import Settings
from tests.auth.conftest import CLIENT, PHONE, VERIFIER
from tests.stories.conftest import StartProcess, answers, wait_until

AT_ONCE = 30


def post(address: str, **form: str) -> tuple[int, Any]:
    data = urllib.parse.urlencode({**CLIENT, **form}).encode()
    try:
        with urllib.request.urlopen(f"{address}/oauth/token", data=data, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def refresh(address: str, token: str) -> tuple[int, Any]:
    return post(address, grant_type="refresh_token", refresh_token=token)


def together(act: Callable[[], Any], times: int = AT_ONCE) -> Sequence[Any]:
    ready = threading.Barrier(times)

    def one(_: int) -> Any:
        ready.wait()
        return act()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def proved(phone: str = PHONE) -> Proved:
    now = clock.now()
    with transaction() as session:
        customer_id = customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=now).id
    return Proved(owner=Owner(customer_id=customer_id), auth_time=now, acr=ONE_FACTOR, amr=("otp",))


def signed_in(phone: str = PHONE) -> Grant:
    """What an app has after signing in."""
    who, now, client = proved(phone), clock.now(), clients.find("pocketful-app")
    assert client is not None
    with transaction() as session:
        begun = begin(session, proved=who, kind="app", client_id=client.client_id, now=now)
        return families.begin(session, client=client, proved=who, session_id=begun.id, scope="", jkt=None, now=now)


def generation_of(family_id: UUID) -> int:
    with transaction() as session:
        return session.get_one(TokenFamily, family_id).generation


def test_thirty_refreshes_at_once_make_one_successor(lasting_server: str) -> None:
    grant = signed_in()
    assert grant.refresh_token

    told = together(lambda: refresh(lasting_server, str(grant.refresh_token)))

    assert Counter(status for status, _ in told) == {200: AT_ONCE}
    assert len({body["refresh_token"] for _, body in told}) == 1
    assert generation_of(grant.family_id) == 1
    assert refresh(lasting_server, told[0][1]["refresh_token"])[0] == 200


def test_thirty_copies_of_an_old_token_at_once_end_its_family_once(lasting_server: str) -> None:
    grant = signed_in()
    token = str(grant.refresh_token)
    newest = refresh(lasting_server, refresh(lasting_server, token)[1]["refresh_token"])[1]["refresh_token"]

    told = together(lambda: refresh(lasting_server, token))

    assert Counter((status, body["error"]) for status, body in told) == {(400, "invalid_grant"): AT_ONCE}
    assert refresh(lasting_server, newest)[0] == 400
    with transaction() as session:
        assert session.scalars(select(TokenFamily.revoked_because)).all() == ["refresh_reused"]


def test_thirty_exchanges_of_one_code_at_once_have_one_winner(lasting_server: str) -> None:
    who, client = proved(), clients.find("pocketful-app")
    assert client is not None
    with transaction() as session:
        code = codes.issue(
            session, client=client, proved=who, scope="", code_challenge=pkce.challenge_of(VERIFIER), now=clock.now()
        )

    told = together(lambda: post(lasting_server, grant_type="authorization_code", code=code, code_verifier=VERIFIER))

    assert Counter(body.get("error", "signed in") for _, body in told) == {"signed in": 1, "invalid_grant": 29}
    assert {status for status, _ in told} == {200, 400}
    with transaction() as session:
        assert len(session.scalars(select(TokenFamily.id)).all()) == 1


def test_a_killed_server_leaves_everyone_a_chain_that_goes_on(lasting_server: str, start_process: StartProcess) -> None:
    grants = [signed_in(f"+1212555{1_000 + number}") for number in range(20)]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    doomed = f"http://127.0.0.1:{port}"
    server = start_process("-m", "flask", "--app", "wsgi", "serve", "--port", str(port), "--processes", "1")
    wait_until(lambda: answers(f"{doomed}/readyz"), within_seconds=120)

    def follow(grant: Grant) -> str:
        """The newest token that was told to this app: it refreshes until nobody answers."""
        token = str(grant.refresh_token)
        for _ in range(500):
            try:
                status, body = refresh(doomed, token)
            except (OSError, ValueError, HTTPException):
                break
            assert status in (200, 503), body
            token = body.get("refresh_token", token)
        return token

    killer = threading.Timer(0.5, lambda: os.killpg(server.pid, signal.SIGKILL))
    with ThreadPoolExecutor(len(grants)) as pool:
        killer.start()
        kept = list(pool.map(follow, grants))

    assert max(generation_of(grant.family_id) for grant in grants) > 0
    for token in kept:  # what an app has is the newest token or the one before, whose answer was lost
        status, body = refresh(lasting_server, token)
        assert status == 200, body
        assert refresh(lasting_server, body["refresh_token"])[0] == 200


class Cut:
    """A wire to PostgreSQL that breaks once: when what it was told to wait for has been carried out, before the answer
    is told."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect, self.waits_for = connect, b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far, is_cut = self._connect(), threading.Event()
            threading.Thread(target=self._ask, args=(near, far, is_cut), daemon=True).start()
            threading.Thread(target=self._answer, args=(far, near, is_cut), daemon=True).start()

    def _ask(self, near: socket.socket, far: socket.socket, is_cut: threading.Event) -> None:
        while data := _read(near):
            if self.waits_for and self.waits_for in data:
                self.waits_for = b""
                is_cut.set()
            far.sendall(data)
        far.close()

    def _answer(self, far: socket.socket, near: socket.socket, is_cut: threading.Event) -> None:
        while (data := _read(far)) and not is_cut.is_set():  # it is done, and the word of it goes nowhere
            near.sendall(data)
        near.shutdown(socket.SHUT_RDWR)
        near.close()


def _read(source: socket.socket) -> bytes:
    try:
        return source.recv(65_536)
    except OSError:
        return b""


@pytest.fixture
def cut(database: None, settings: Settings) -> Iterator[Cut]:
    with psycopg.connect(settings.database_url) as connection:
        host, port = connection.info.host, connection.info.port

    def connect() -> socket.socket:
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        own = socket.socket(socket.AF_UNIX)
        own.connect(f"{host}/.s.PGSQL.{port}")
        return own

    wire = Cut(connect)
    through = make_url(settings.database_url).set(host="127.0.0.1", port=wire.port, query={"sslmode": "disable"})
    db.open_database(replace(settings, database_url=through.render_as_string(hide_password=False)))
    yield wire
    wire.close()
    db.close_database()


def test_a_token_whose_commit_was_not_heard_of_is_retried(cut: Cut, app: Flask) -> None:
    grant, other = signed_in(), signed_in()
    form = {**CLIENT, "grant_type": "refresh_token", "refresh_token": grant.refresh_token}
    # From now on the statement is known on the wire's connection, which is lent again.
    assert (
        app.test_client().post("/oauth/token", data={**form, "refresh_token": other.refresh_token}).status_code == 200
    )

    cut.waits_for = b"rotate_refresh_token"
    lost: Any = app.test_client().post("/oauth/token", data=form)
    assert (lost.status_code, lost.json["error"]) == (503, "temporarily_unavailable")
    assert generation_of(grant.family_id) == 1

    again: Any = app.test_client().post("/oauth/token", data=form)

    assert again.status_code == 200
    assert generation_of(grant.family_id) == 1
    next_one = {**form, "refresh_token": again.json["refresh_token"]}
    assert app.test_client().post("/oauth/token", data=next_one).status_code == 200
