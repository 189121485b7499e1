"""A staff session lies idle for half an hour and lasts eight, and signs in as nobody else."""

import json

import pytest

from auth.oauth import clients
from auth.oauth.models import Client as ClientRow
from auth.staff.cli import staff as commands
from core.db import transaction
from tests.auth.authenticator import Authenticator
from tests.auth.conftest import Phone, Watch
from tests.auth.staff.conftest import BACK, SITE, Person, invite, options_in


@pytest.fixture
def joined(ada: Person) -> Person:
    ada.join_with_passkey()
    return ada


def test_who_is_signed_in_is_not_asked_again_for_half_an_hour(joined: Person, watch: Watch) -> None:
    joined.sign_in_with_passkey()
    watch.move(minutes=29, seconds=59)
    assert joined.ask_to_sign_in().address.startswith(BACK)

    watch.move(minutes=30)

    assert joined.ask_to_sign_in().title == "Sign in as staff"


def test_a_session_lasts_eight_hours_however_busy_it_is(joined: Person, watch: Watch) -> None:
    joined.sign_in_with_passkey()
    for _ in range(16):
        watch.move(minutes=29, seconds=59)
        assert joined.ask_to_sign_in().address.startswith(BACK)

    watch.move(seconds=16)

    assert joined.ask_to_sign_in().title == "Sign in as staff"


def test_a_refresh_token_lies_idle_for_half_an_hour(joined: Person, watch: Watch) -> None:
    granted = joined.redeem(joined.sign_in_with_passkey()).json
    watch.move(minutes=29, seconds=59)
    refreshed = joined.refresh(granted["refresh_token"])
    assert refreshed.status_code == 200, refreshed.json

    watch.move(minutes=30)

    assert joined.refresh(refreshed.json["refresh_token"]).status_code == 400


def test_refreshing_does_not_outlast_eight_hours(joined: Person, watch: Watch) -> None:
    token = joined.redeem(joined.sign_in_with_passkey()).json["refresh_token"]
    for _ in range(16):
        watch.move(minutes=29, seconds=59)
        refreshed = joined.refresh(token)
        assert refreshed.status_code == 200, refreshed.json
        token = refreshed.json["refresh_token"]

    watch.move(seconds=16)

    assert joined.refresh(token).status_code == 400


def test_a_passkey_that_nobody_made_here_signs_nobody_in(joined: Person) -> None:
    page = joined.ask_to_sign_in()
    stranger = Authenticator(rp_id="localhost")

    refused = joined.send(page, "/passkey", credential=json.dumps(stranger.get(options_in(page))))

    assert (refused.status, refused.title) == (400, "Sign in as staff")


def test_a_passkey_has_to_verify_its_owner(joined: Person) -> None:
    assert joined.sign_in_with_passkey(flags=0x01).status == 400


def test_the_answer_to_a_challenge_works_once(joined: Person) -> None:
    page = joined.ask_to_sign_in()
    signed = json.dumps(joined.key.get(options_in(page)))
    joined.send(page, "/passkey", credential=signed)

    again = joined.ask_to_sign_in(prompt="login")

    assert joined.send(again, "/passkey", credential=signed).status == 400


def test_a_customer_is_no_staff_and_staff_no_customer(joined: Person, phone: Phone) -> None:
    joined.sign_in_with_passkey()
    tokens = phone.sign_in()

    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert joined.app.test_client().get("/admin/v1/me", headers=headers).status_code == 401
    staff_cookies = {cookie.key for cookie in joined.browser.client._cookies.values()}
    assert "session" not in staff_cookies


def test_the_pages_of_staff_serve_no_customers_sign_in(joined: Person) -> None:
    with transaction() as session:
        session.get_one(ClientRow, "pocketful-app").redirect_uris = [BACK]
    clients.forget_known()
    page = joined.ask_to_sign_in(client_id="pocketful-app", scope="openid")
    assert page.title == "Sign in"

    query = page.address.partition("?")[2]

    assert joined.browser.open(f"{SITE}/staff/sign-in?{query}").status == 410
    with transaction() as session:
        session.get_one(ClientRow, "pocketful-app").redirect_uris = []
    clients.forget_known()


@pytest.mark.parametrize("text", ["", "\0", "é" * 50, "x" * 5_000, "' OR 1=1 --", "=1+1", "\u202e123456"])
def test_odd_texts_are_wrong_codes_and_nothing_else(joined: Person, text: str) -> None:
    page = joined.have_code_mailed()

    for form, filled in (("/codes", {"shown": text}), ("/recovery", {"recovery": text})):
        assert joined.send(page, form, mailed=text, **filled).status in (400, 410)
        assert joined.send(page, form, mailed=joined.mailed_code(), **filled).status in (400, 410)
    again = joined.ask_to_sign_in(prompt="login")
    assert joined.send(again, "/staff/sign-in", email=text).status in (200, 400)


def test_an_operator_invites_the_first_admin_by_command(joined: Person) -> None:
    run = joined.app.test_cli_runner().invoke
    email = "first@example.com"

    link = run(commands, ["invite", "--email", email, "--name", "First", "--role", "admin"]).output.strip()

    first = Person(joined.app, email)
    assert link == first.link()
    first.join_with_passkey(link)
    assert first.redeem(first.sign_in_with_passkey()).status_code == 200
    again = run(commands, ["invite", "--email", email, "--name", "First", "--role", "admin"])
    assert (again.exit_code, again.output) == (1, "Error: This person has joined already\n")


def test_an_operator_lists_changes_and_suspends_staff_by_command(joined: Person) -> None:
    run = joined.app.test_cli_runner().invoke
    invite("boss@example.com", "admin")

    assert run(commands, ["roles", "ada@example.com", "--role", "finance", "--role", "support"]).exit_code == 0
    assert run(commands, ["status", "ada@example.com", "suspended"]).exit_code == 0
    assert run(commands, ["status", "nobody@example.com", "suspended"]).exit_code == 1

    listed = run(commands, ["list"]).output.splitlines()
    assert [line.split(" ", 1)[1] for line in listed] == [
        "invited boss@example.com admin",
        "suspended ada@example.com finance support",
    ]
