"""Customers see where they are signed in, and end what is not them."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from core.db import transaction
from tests.auth.conftest import Phone, Watch

OTHER = "+12125550143"


class App:
    """An app that is signed in."""

    def __init__(self, phone: Phone, number: str | None = None) -> None:
        self.client = phone.client
        self.tokens = phone.sign_in(number) if number else phone.sign_in()

    def ask(self, method: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return self.client.open(f"/app/v1{path}", method=method, headers=headers)

    def sessions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "/sessions").json["items"]
        return found


def test_a_customer_sees_where_they_are_signed_in(phone: Phone, watch: Watch) -> None:
    first, started = App(phone), watch.now
    watch.move(minutes=5)
    second = App(phone)

    shown = second.sessions()

    assert [row["is_this"] for row in shown] == [True, False]
    assert [row["network"] for row in shown] == ["192.0.2.0/24"] * 2
    assert shown[0]["kind"] == "app" and shown[0]["agent"].startswith("Werkzeug")
    assert shown[1]["created_at"].startswith(started.isoformat()[:19])
    assert [row["is_this"] for row in first.sessions()] == [False, True]


def test_a_session_tells_which_installation_it_is_and_when_it_was_last_used(phone: Phone, watch: Watch) -> None:
    auth_session = phone.ask(device="phone-1").json["auth_session"]
    code = phone.prove(auth_session, phone.read_code()).json["authorization_code"]
    app = App.__new__(App)
    app.client, app.tokens = phone.client, phone.redeem(code).json
    headers = {"Authorization": f"Bearer {app.tokens['access_token']}"}
    device = {"device_id": "phone-1", "platform": "ios", "app_version": "3.1.0"}
    assert phone.client.put("/app/v1/devices", json=device, headers=headers).status_code in (200, 201)
    watch.move(days=2)
    app.tokens = phone.refresh(app.tokens["refresh_token"]).json

    [row] = app.sessions()

    assert (row["platform"], row["app_version"]) == ("ios", "3.1.0")
    assert row["seen_at"][:19] == watch.now.isoformat()[:19]


def test_lists_of_sessions_are_paged(phone: Phone, watch: Watch) -> None:
    apps = []
    for _ in range(3):
        watch.move(minutes=1)
        apps.append(App(phone))

    first = apps[0].ask("GET", "/sessions?limit=2").json
    second = apps[0].ask("GET", f"/sessions?limit=2&cursor={first['next_cursor']}").json

    assert [len(page["items"]) for page in (first, second)] == [2, 1]
    assert second["items"][0]["is_this"] and second["next_cursor"] is None


def test_a_session_that_is_ended_takes_its_tokens_along(phone: Phone) -> None:
    lost, here = App(phone), App(phone)
    [lost_row] = [row for row in here.sessions() if not row["is_this"]]

    assert here.ask("DELETE", f"/sessions/{lost_row['id']}").status_code == 204

    assert lost.ask("GET", "/me").status_code == 401
    assert phone.refresh(lost.tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert here.ask("GET", "/me").status_code == 200
    assert here.ask("DELETE", f"/sessions/{lost_row['id']}").status_code == 404


def test_a_customer_may_end_the_session_that_asks(phone: Phone) -> None:
    here = App(phone)

    assert here.ask("DELETE", f"/sessions/{here.sessions()[0]['id']}").status_code == 204
    assert here.ask("GET", "/me").status_code == 401


def test_the_sessions_of_another_customer_are_not_there(phone: Phone) -> None:
    here, other = App(phone), App(phone, OTHER)
    [row] = other.sessions()

    assert here.ask("DELETE", f"/sessions/{row['id']}").status_code == 404
    assert here.ask("DELETE", f"/sessions/{uuid4()}").status_code == 404
    assert other.ask("GET", "/me").status_code == 200
    assert [shown["id"] for shown in here.sessions()] != [row["id"]]


def test_signing_out_everywhere_leaves_the_one_that_asks(phone: Phone) -> None:
    lost, other, here = App(phone), App(phone, OTHER), App(phone)

    assert here.ask("DELETE", "/sessions").status_code == 204

    assert [app.ask("GET", "/me").status_code for app in (lost, here, other)] == [401, 200, 200]
    assert [row["is_this"] for row in here.sessions()] == [True]


def test_signing_out_everywhere_leaves_no_code_that_would_sign_in(phone: Phone) -> None:
    here = App(phone)
    stolen, anothers = phone.authorization_code(), phone.authorization_code(OTHER)

    assert here.ask("DELETE", "/sessions").status_code == 204

    assert phone.redeem(stolen).json["error"] == "invalid_grant"
    assert phone.redeem(anothers).status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(300, 204), (301, 401)])
def test_signing_out_everywhere_takes_a_fresh_sign_in(phone: Phone, watch: Watch, seconds: int, status: int) -> None:
    here = App(phone)
    watch.move(seconds=seconds)

    answer = here.ask("DELETE", "/sessions")

    assert answer.status_code == status
    if status == 401:
        assert "insufficient_user_authentication" in answer.headers["WWW-Authenticate"]


def test_idle_sessions_are_not_shown(phone: Phone, watch: Watch) -> None:
    App(phone)
    watch.move(days=30)

    assert [row["is_this"] for row in App(phone).sessions()] == [True]


def test_what_still_signs_in_is_shown_though_its_session_is_over(phone: Phone, watch: Watch) -> None:
    here = App(phone)
    with transaction() as session:
        session.execute(text("UPDATE auth.session SET expires_at = :now"), {"now": watch.now})

    assert [row["is_this"] for row in here.sessions()] == [True]
    phone.post("/oauth/revoke", token=here.tokens["refresh_token"])
    assert len(App(phone).sessions()) == 1
