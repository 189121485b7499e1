"""An invitation works once, for three days, for the one who was invited, and a later one takes its place."""

import threading
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import text

from auth.staff import joining, persons, totp
from auth.staff.errors import InvitationOver
from core import clock
from core.db import transaction
from tests.auth.authenticator import Authenticator
from tests.auth.conftest import Watch
from tests.auth.staff.conftest import EMAIL, SITE, Person, invite, options_in, status_of

OVER = "This invitation works no more"


def token_of(link: str) -> str:
    return urlsplit(link).path.rpartition("/")[2]


def test_an_invitation_works_once(ada: Person) -> None:
    link = ada.link()
    ada.join_with_authenticator(link)

    again = ada.browser.open(link)

    assert (again.status, again.title) == (410, OVER)


def test_opening_the_link_uses_nothing_up(ada: Person) -> None:
    link = ada.link()
    for _ in range(3):  # a mailbox's scanner opens it, too
        assert ada.browser.open(link).status == 200

    assert ada.join_with_passkey(link).title == "Keep your recovery codes"


def test_an_invitation_works_for_three_days(ada: Person, watch: Watch) -> None:
    link = ada.link()
    watch.move(hours=72, seconds=-1)
    assert ada.browser.open(link).status == 200

    watch.move(seconds=1)

    assert ada.browser.open(link).title == OVER


def test_another_invitation_takes_the_place_of_the_one_before(ada: Person) -> None:
    first = ada.link()
    with transaction() as session:
        staff_id = joining.look(session, token_of(first), now=clock.now()).staff_id
        persons.invite_again(session, staff_id, by=None, brand_name="Pocketful", address=SITE, now=clock.now())

    assert ada.browser.open(first).title == OVER
    assert ada.link() != first
    assert ada.join_with_authenticator().status == 200


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_who_may_not_sign_in_any_more_does_not_join(ada: Person, status: str) -> None:
    link = ada.link()
    with transaction() as session:
        session.execute(text("UPDATE auth.staff SET status = :status"), {"status": status})

    assert ada.browser.open(link).title == OVER


def test_what_never_was_an_invitation_is_answered_like_one_that_is_over(ada: Person) -> None:
    for path in ("nonsense", "%C3%A9", "x" * 100):
        assert ada.browser.open(f"{SITE}/staff/join/{path}").title == OVER
    assert ada.browser.open(f"{SITE}/staff/join/{'x' * 101}").status == 404


def test_an_invitation_makes_nobody_else_a_passkey(ada: Person, app: Flask) -> None:
    staff_id = invite("eve@example.com", "support")
    eve = Person(app, "eve@example.com")
    options = options_in(ada.browser.open(ada.link()))
    page = eve.browser.open(eve.link())
    key = Authenticator(rp_id="localhost")

    refused = eve.send(page, "/passkey", credential=_json(key.create(options)))

    assert (refused.status, status_of(staff_id)) == (400, "invited")


@pytest.mark.parametrize("credential", ["", "null", "[]", "{", '{"rawId": 1}', "[" * 5_000, "x" * 30_000])
def test_a_bent_passkey_is_refused_and_the_page_asks_again(ada: Person, credential: str) -> None:
    refused = ada.send(ada.browser.open(ada.link()), "/passkey", credential=credential)

    assert refused.status == 400
    assert "does not work here" in refused.text
    assert ada.join_with_passkey().status == 200


def test_a_wrong_first_code_of_an_authenticator_is_asked_for_again(ada: Person) -> None:
    page = ada.send(ada.browser.open(ada.link()), "/authenticator")

    refused = ada.send(page, "/proof", shown="000000")

    assert refused.status == 400
    assert ada.join_with_authenticator().status == 200


def test_another_sites_form_joins_nobody(ada: Person) -> None:
    path = urlsplit(ada.link()).path

    answer = ada.browser.client.post(f"{path}/authenticator", headers={"Origin": "https://evil.example"})

    assert answer.status_code == 410
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM auth.staff_totp")) == 0


def test_of_thirty_who_bring_one_invitation_at_once_one_joins(ada: Person) -> None:
    token = token_of(ada.link())
    with transaction() as session:
        secret = joining.begin_totp(session, token, now=clock.now())
    joined: list[bool] = []

    def join(step: int) -> None:
        try:
            with transaction() as session:
                shown = totp.code_at(secret, clock.now() + timedelta(seconds=30 * (step % 3 - 1)))
                codes = joining.by_totp(session, token, shown, now=clock.now())
        except InvitationOver:
            codes = None
        joined.append(codes is not None)

    threads = [threading.Thread(target=join, args=[step]) for step in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(joined), sum(joined)) == (30, 1)
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM auth.staff_recovery_code")) == 10


def test_who_is_suspended_while_they_join_stays_suspended(ada: Person, app: Flask) -> None:
    staff_id = invite("eve@example.com", "support")
    token = token_of(Person(app, "eve@example.com").link())
    with transaction() as session:
        secret = joining.begin_totp(session, token, now=clock.now())
    said: list[str] = []

    def join() -> None:
        try:
            with transaction() as session:
                joining.by_totp(session, token, totp.code_at(secret, clock.now()), now=clock.now())
            said.append("joined")
        except InvitationOver:
            said.append("over")

    with transaction() as session:
        persons.set_status(session, staff_id, "left", by=None, now=clock.now())
        session.flush()
        thread = threading.Thread(target=join)
        thread.start()
        thread.join(0.3)  # it waits for the person's row
    thread.join()

    assert (said, status_of(staff_id)) == (["over"], "left")


def test_nothing_that_signs_in_stands_in_clear(ada: Person) -> None:
    ada.join_with_authenticator()
    with transaction() as session:
        at_rest = "".join(
            str(session.execute(text(f"SELECT json_agg(t)::text FROM auth.{table} t")).scalar_one())
            for table in ("staff", "staff_invitation", "staff_totp", "staff_recovery_code", "staff_sign_in")
        )
        events = str(session.execute(text("SELECT json_agg(e)::text FROM core.event e")).scalar_one())

    secrets = [
        EMAIL,
        "Ada L.",
        ada.secret.hex(),
        *ada.recovery_codes,
        *(c.replace("-", "") for c in ada.recovery_codes),
    ]
    assert [secret for secret in secrets if secret in at_rest or secret in events] == []


def _json(credential: object) -> str:
    import json

    return json.dumps(credential)
