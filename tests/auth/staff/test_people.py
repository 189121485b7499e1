"""Who may admit whom: staff at their own door, over HTTP."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from auth import staff, tokens
from auth.models import Staff
from auth.staff import persons, roles
from auth.staff.errors import LastAdmin
from auth.tokens import revocations
from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from tests.auth.authenticator import Authenticator
from tests.auth.conftest import Watch
from tests.auth.staff.conftest import EMAIL, Person, add, bearer, invite, status_of
from tests.core.locks import until_somebody_waits

Ask = Callable[..., TestResponse]


@pytest.fixture
def boss(app: Flask, watch: Watch) -> UUID:
    return add("boss@example.com", "admin")


@pytest.fixture
def ask(app: Flask, boss: UUID) -> Ask:
    """Asks the staff door, as the boss if nobody else is said."""

    def asked(method: str, path: str, body: Any = None, *, by: UUID | None = None, **fresh: Any) -> TestResponse:
        headers = bearer(by or boss, **fresh)
        return app.test_client().open(f"/admin/v1{path}", method=method, json=body, headers=headers)

    return asked


def code_of(answer: TestResponse) -> tuple[int, str]:
    assert answer.json
    return answer.status_code, answer.json["code"]


NEW = {"email": "ada@example.com", "name": "Ada L.", "roles": ["support", "finance"]}


def test_an_admin_invites_somebody_who_joins_and_has_the_roles(ask: Ask, app: Flask, admin_app: None) -> None:
    invited = ask("POST", "/staff", NEW)
    assert (invited.status_code, invited.json["status"], invited.json["joined_at"]) == (201, "invited", None)
    ada = Person(app)
    ada.join_with_passkey()

    granted = ada.redeem(ada.sign_in_with_passkey())

    access = {"Authorization": f"Bearer {granted.json['access_token']}"}
    me = app.test_client().get("/admin/v1/me", headers=access).json
    assert (me["email"], me["name"], me["roles"]) == ("ada@example.com", "Ada L.", ["finance", "support"])
    assert set(me["permissions"]) == roles.FINANCE | roles.SUPPORT | roles.SELF
    assert (me["status"], me["has_authenticator"], me["recovery_codes_left"]) == ("active", False, 10)
    assert app.test_client().get("/admin/v1/staff", headers=access).status_code == 403
    assert app.test_client().get("/app/v1/me", headers=access).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({**NEW, "roles": ["emperor"]}, 422, "role_unknown"),
        ({**NEW, "email": "nobody"}, 422, "email_invalid"),
        ({**NEW, "email": "BOSS@example.com"}, 409, "staff_exists"),
        ({**NEW, "permissions": ["staff.write"]}, 422, "invalid_input"),
        ({**NEW, "status": "active"}, 422, "invalid_input"),
        ({**NEW, "joined_at": "2026-01-01T00:00:00Z"}, 422, "invalid_input"),
        ({"email": "ada@example.com", "name": "Ada"}, 422, "invalid_input"),
        ({**NEW, "name": ""}, 422, "invalid_input"),
    ],
)
def test_what_is_no_invitation_is_refused_and_leaves_no_trace(ask: Ask, body: Any, status: int, code: str) -> None:
    assert code_of(ask("POST", "/staff", body)) == (status, code)
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM auth.staff")) == 1
        assert session.scalar(text("SELECT count(*) FROM core.message")) == 0


def test_staff_are_listed_the_latest_first_and_by_role_and_status(ask: Ask, boss: UUID) -> None:
    ada, eve = invite("ada@example.com", "support"), add("eve@example.com", "marketer")

    def listed(**query: str) -> list[str]:
        found = ask("GET", f"/staff?{'&'.join(f'{name}={value}' for name, value in query.items())}").json
        return [person["id"] for person in found["items"]]

    assert listed() == [str(eve), str(ada), str(boss)]
    assert listed(status="invited") == [str(ada)]
    assert listed(role="marketer", limit="1") == [str(eve)]
    assert ask("GET", f"/staff/{ada}").json["email"] == "ada@example.com"
    assert ask("GET", f"/staff/{ids.new()}").status_code == 404


def test_a_role_that_is_taken_away_lets_nobody_in_any_more(ask: Ask, app: Flask) -> None:
    eve = add("eve@example.com", "support", "marketer")
    headers = bearer(eve)
    assert app.test_client().get("/admin/v1/campaigns", headers=headers).status_code == 200

    changed = ask("PATCH", f"/staff/{eve}", {"roles": ["engineer"]})

    assert (changed.status_code, changed.json["roles"]) == (200, ["engineer"])
    assert app.test_client().get("/admin/v1/campaigns", headers=headers).status_code == 401


def test_another_process_hears_of_it_within_a_second(ask: Ask, app: Flask, watch: Watch) -> None:
    eve = add("eve@example.com", "marketer")
    headers = bearer(eve)
    ask("PATCH", f"/staff/{eve}", {"roles": ["engineer"]})
    revocations.forget_known()  # as a process that has not looked for a second

    assert app.test_client().get("/admin/v1/campaigns", headers=headers).status_code == 401
    watch.move(seconds=1)
    assert app.test_client().get("/admin/v1/campaigns", headers=bearer(eve)).status_code == 403


def test_a_refreshed_token_has_the_new_roles(ada: Person, ask: Ask, watch: Watch) -> None:
    ada.join_with_passkey()
    granted = ada.redeem(ada.sign_in_with_passkey()).json
    [staff_id] = [each for each in _everybody() if status_of(each) == "active" and "support" in _roles(each)]
    watch.move(seconds=5)
    ask("PATCH", f"/staff/{staff_id}", {"roles": ["marketer"]})
    watch.move(seconds=1)

    refreshed = ada.refresh(granted["refresh_token"])

    assert refreshed.status_code == 200, refreshed.json
    principal = tokens.verify(refreshed.json["access_token"], tokens.ADMIN, now=clock.now())
    assert principal.permissions == roles.MARKETER | roles.SELF


def test_a_token_that_is_made_while_roles_change_has_the_new_ones(ada: Person, ask: Ask, watch: Watch) -> None:
    ada.join_with_passkey()
    granted = ada.redeem(ada.sign_in_with_passkey()).json
    [staff_id] = [each for each in _everybody() if "support" in _roles(each)]
    refreshed = []

    thread = threading.Thread(target=lambda: refreshed.append(ada.refresh(granted["refresh_token"]).json))
    with transaction() as session:
        persons.set_roles(session, staff_id, ["marketer"], by=None, now=clock.now())
        watch.move(seconds=5)
        thread.start()
        until_somebody_waits()
    thread.join()

    principal = tokens.verify(refreshed[0]["access_token"], tokens.ADMIN, now=clock.now())
    assert principal.roles == {"marketer"}


def test_a_token_that_was_made_while_a_change_of_roles_waited_is_out_with_it(ask: Ask, watch: Watch) -> None:
    eve, begun = add("eve@example.com", "support"), clock.now()
    watch.move(seconds=2)
    headers = bearer(eve)

    with transaction() as session:
        persons.set_roles(session, eve, ["marketer"], by=None, now=begun)

    assert tokens.read(headers["Authorization"].removeprefix("Bearer "), now=clock.now()) is None


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_who_is_suspended_or_has_left_is_out_everywhere(ada: Person, ask: Ask, watch: Watch, status: str) -> None:
    ada.join_with_passkey()
    granted = ada.redeem(ada.sign_in_with_passkey()).json
    [staff_id] = [each for each in _everybody() if "support" in _roles(each)]
    access = {"Authorization": f"Bearer {granted['access_token']}"}
    watch.move(seconds=5)

    assert ask("PUT", f"/staff/{staff_id}/status", {"status": status}).json["status"] == status

    assert ada.app.test_client().get("/admin/v1/me", headers=access).status_code == 401
    assert ada.refresh(granted["refresh_token"]).status_code == 400
    assert ada.sign_in_with_passkey().status == 400
    assert ada.have_code_mailed().status == 200
    assert "code to sign in" not in ada.mails()[-1]


def test_who_was_suspended_is_let_in_again_and_who_left_is_invited_anew(ask: Ask) -> None:
    eve = add("eve@example.com", "support")
    for status in ("suspended", "active", "left"):
        assert ask("PUT", f"/staff/{eve}/status", {"status": status}).status_code == 200
    assert code_of(ask("PUT", f"/staff/{eve}/status", {"status": "active"})) == (409, "staff_status_not_next")

    assert ask("POST", f"/staff/{eve}/invitations").status_code == 201

    assert status_of(eve) == "invited"
    assert code_of(ask("PUT", f"/staff/{eve}/status", {"status": "active"})) == (409, "staff_status_not_next")


def test_what_somebody_signed_in_with_before_they_left_signs_nobody_in_later(ada: Person, ask: Ask) -> None:
    ada.join_with_passkey()
    [staff_id] = [each for each in _everybody() if "support" in _roles(each)]
    ask("PUT", f"/staff/{staff_id}/status", {"status": "left"})
    ask("POST", f"/staff/{staff_id}/invitations")
    before, ada.key = ada.key, Authenticator(rp_id="localhost")
    ada.join_with_passkey()

    assert ada.redeem(ada.sign_in_with_passkey()).status_code == 200
    ada.key = before
    ada.browser = Person(ada.app).browser
    assert ada.sign_in_with_passkey().status == 400


def test_who_has_joined_is_not_invited_again(ask: Ask, ada: Person) -> None:
    ada.join_with_passkey()
    [staff_id] = [each for each in _everybody() if "support" in _roles(each)]

    for status in ("active", "suspended"):
        ask("PUT", f"/staff/{staff_id}/status", {"status": status})
        assert code_of(ask("POST", f"/staff/{staff_id}/invitations")) == (409, "staff_joined")


def test_who_was_added_by_command_is_invited_and_keeps_what_they_were_given(
    app: Flask, watch: Watch, admin_app: None
) -> None:
    run = app.test_cli_runner().invoke
    assert run(args=["staff", "add", "--email", EMAIL, "--name", "Ada", "--permission", "keys.read"]).exit_code == 0
    invited = run(args=["staff", "invite", "--email", EMAIL, "--name", "Ada", "--role", "support"])
    assert invited.exit_code == 0, invited.output
    ada = Person(app)
    ada.join_with_passkey(invited.output.strip())
    watch.move(seconds=1)

    granted = ada.redeem(ada.sign_in_with_passkey()).json

    principal = tokens.verify(granted["access_token"], tokens.ADMIN, now=clock.now())
    assert principal.permissions == roles.SUPPORT | roles.SELF | {"keys.read"}


def test_nobody_changes_their_own_roles_or_status(ask: Ask, boss: UUID) -> None:
    add("second@example.com", "admin")

    assert code_of(ask("PATCH", f"/staff/{boss}", {"roles": ["support"]})) == (403, "own_roles")
    assert code_of(ask("PUT", f"/staff/{boss}/status", {"status": "left"})) == (403, "own_roles")


def test_nobody_gives_or_takes_more_than_they_may_themselves(ask: Ask, boss: UUID) -> None:
    with transaction() as session:
        deputy = staff.add(
            session, email="deputy@example.com", name="D.", permissions=["staff.read", "staff.write"],
            roles=["support"], now=clock.now(),
        ).id  # fmt: skip
    eve = add("eve@example.com", "engineer")

    beyond = (403, "roles_beyond_yours")
    assert code_of(ask("POST", "/staff", {**NEW, "roles": ["admin"]}, by=deputy)) == beyond
    assert code_of(ask("PATCH", f"/staff/{eve}", {"roles": ["support"]}, by=deputy)) == beyond
    assert code_of(ask("PUT", f"/staff/{boss}/status", {"status": "suspended"}, by=deputy)) == beyond
    assert ask("POST", "/staff", {**NEW, "roles": ["support"]}, by=deputy).status_code == 201


def test_the_last_admin_stays(ask: Ask, boss: UUID) -> None:
    second = add("second@example.com", "admin")
    assert ask("PUT", f"/staff/{second}/status", {"status": "suspended"}).status_code == 200

    for deed in (persons.set_status, persons.set_roles):
        with pytest.raises(LastAdmin), transaction() as session:
            deed(session, boss, "left" if deed is persons.set_status else [], by=None, now=clock.now())  # type: ignore[operator]


def test_an_operator_suspends_even_the_last_admin_and_lets_them_in_again(app: Flask, boss: UUID) -> None:
    stolen = bearer(boss)
    with pytest.raises(LastAdmin), transaction() as session:
        persons.set_status(session, boss, "suspended", by=_deputy(session), now=clock.now())

    for status in ("suspended", "active"):
        told = app.test_cli_runner().invoke(args=["staff", "status", "boss@example.com", status])
        assert (told.exit_code, status_of(boss)) == (0, status), told.output
        assert app.test_client().get("/admin/v1/me", headers=stolen).status_code == 401


def test_of_two_admins_who_take_the_role_from_each_other_at_once_one_stays(app: Flask, watch: Watch) -> None:
    first, second = add("first@example.com", "admin"), add("second@example.com", "admin")
    principals = {each: _principal(each) for each in (first, second)}
    said: list[str] = []

    def take(by: UUID, of: UUID) -> None:
        try:
            with transaction() as session:
                persons.set_roles(session, of, [], by=principals[by], now=clock.now())
            said.append("taken")
        except LastAdmin:
            said.append("last")

    threads = [threading.Thread(target=take, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(said) == ["last", "taken"]
    assert sorted([_roles(first), _roles(second)]) == [[], ["admin"]]


def test_roles_are_told_with_what_they_may(ask: Ask) -> None:
    told = {each["name"]: set(each["permissions"]) for each in ask("GET", "/roles").json["items"]}

    assert told["support"] == roles.SUPPORT
    assert set(told) == {"admin", "engineer", "finance", "marketer", "merchant_manager", "support"}


def test_each_deed_on_a_person_stands_in_the_audit_log(ask: Ask, boss: UUID) -> None:
    person = ask("POST", "/staff", NEW).json["id"]
    ask("PATCH", f"/staff/{person}", {"roles": ["marketer"]})
    ask("PUT", f"/staff/{person}/status", {"status": "left"})

    log = ask("GET", f"/audit?target=staff:{person}").json["items"]

    assert [(entry["action"], entry["change"]) for entry in log] == [
        ("staff.status", {"from": "invited", "to": "left"}),
        ("staff.roles", {"from": ["finance", "support"], "to": ["marketer"]}),
        ("staff.invite", {"roles": ["finance", "support"]}),
    ]
    assert {entry["actor"] for entry in log} == {f"staff:{boss}"}
    assert {entry["network"] for entry in log} == {"127.0.0.0/24"}


def test_passkeys_are_made_listed_and_removed_by_who_signed_in_just_now(ask: Ask, boss: UUID, watch: Watch) -> None:
    first, second = Authenticator(rp_id="localhost"), Authenticator(rp_id="localhost")
    made = []
    for key, name in ((first, "Laptop"), (second, None)):
        begun = ask("POST", "/me/passkeys/options").json
        body = {"ceremony_id": begun["ceremony_id"], "credential": key.create(begun["passkey"]), "name": name}
        answer = ask("POST", "/me/passkeys", body)
        assert answer.status_code == 201, answer.json
        made.append(answer.json)

    assert [each["name"] for each in ask("GET", "/me/passkeys").json["items"]] == ["Laptop", None]
    assert ask("DELETE", f"/me/passkeys/{made[0]['id']}").status_code == 204
    assert code_of(ask("DELETE", f"/me/passkeys/{made[1]['id']}")) == (409, "last_means")
    other = add("eve@example.com", "support")
    assert ask("DELETE", f"/me/passkeys/{made[1]['id']}", by=other).status_code == 404


@pytest.mark.parametrize("path", ["/me/passkeys/options", "/me/recovery-codes"])
def test_what_signs_in_is_changed_only_right_after_signing_in(ask: Ask, path: str, watch: Watch) -> None:
    now = int(clock.now().timestamp())

    assert ask("POST", path, auth_time=now - 300).status_code in (200, 201)
    stale = ask("POST", path, auth_time=now - 301)
    assert code_of(stale) == (401, "step_up_required")
    assert "max_age" in stale.headers["WWW-Authenticate"]


def test_ten_recovery_codes_are_told_once(ask: Ask) -> None:
    codes = ask("POST", "/me/recovery-codes").json["codes"]

    assert len(set(codes)) == 10
    assert ask("GET", "/me").json["recovery_codes_left"] == 10


def _everybody() -> list[UUID]:
    with transaction() as session:
        return list(session.scalars(text("SELECT id FROM auth.staff ORDER BY id")))


def _roles(staff_id: UUID) -> list[str]:
    with transaction() as session:
        return session.get_one(Staff, staff_id).roles


def _deputy(session: Session) -> Principal:
    """Somebody who may do all that an admin may, and is none."""
    given = [*roles.ADMIN, "self"]
    person = staff.add(session, email="deputy@example.com", name="D.", permissions=given, now=clock.now())
    return staff.principal_of(person)


def _principal(staff_id: UUID) -> Any:
    with transaction() as session:
        return staff.principal_of(session.get_one(Staff, staff_id))
