"""Guessing leads nowhere: five tries a mailed code, five wrong second codes a quarter of an hour, the same pages for
whoever is known and whoever is not.
"""

import re
import subprocess
import sys
import threading
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from auth.staff import signing_in
from auth.staff.signing_in import Wrong
from core import clock
from core.db import transaction
from core.settings import Settings
from tests.auth.conftest import Watch
from tests.auth.robot import Page
from tests.auth.staff.conftest import EMAIL, Person, add


@pytest.fixture
def joined(ada: Person, watch: Watch) -> Person:
    ada.join_with_authenticator()
    watch.move(minutes=20)  # so that every window of the limits is another one
    return ada


def wrong(person: Person) -> str:
    return "000000" if person.shown() != "000000" else "000001"


def fail(person: Person, times: int) -> Page:
    """Show the right mailed code with a wrong authenticator's, so often."""
    page = person.have_code_mailed()
    mailed = person.mailed_code()
    for _ in range(times):
        page = person.send(page, "/codes", mailed=mailed, shown=wrong(person))
    return page


def actions() -> list[str]:
    with transaction() as session:
        return list(session.scalars(text("SELECT action FROM core.audit_entry ORDER BY id")))


def test_the_fifth_wrong_code_locks_for_a_quarter_of_an_hour_the_right_one_too(joined: Person, watch: Watch) -> None:
    fail(joined, 5)
    watch.move(minutes=14, seconds=59)
    locked = joined.sign_in_with_codes()
    assert (locked.status, locked.title, locked.headers["Retry-After"]) == (429, "Too many tries", "1")

    watch.move(seconds=1)

    assert joined.redeem(joined.sign_in_with_codes()).status_code == 200


def test_four_wrong_codes_lock_nobody(joined: Person, watch: Watch) -> None:
    assert "one try left" in fail(joined, 4).text
    watch.move(seconds=30)

    assert joined.redeem(joined.sign_in_with_codes()).status_code == 200


def test_wrong_codes_count_over_sign_ins_but_not_for_ever(joined: Person, watch: Watch) -> None:
    fail(joined, 4)
    watch.move(minutes=15)
    fail(joined, 4)
    assert joined.redeem(joined.sign_in_with_codes()).status_code == 200

    watch.move(minutes=20)
    fail(joined, 3)
    fail(joined, 2)
    assert joined.sign_in_with_codes().status == 429


def test_who_is_locked_out_and_who_looks_after_staff_are_told(joined: Person) -> None:
    add("boss@example.com", "admin")
    boss = Person(joined.app, "boss@example.com")

    fail(joined, 5)

    assert "Five wrong codes" in joined.mails()[-1]
    assert "Five wrong codes" in boss.mails()[-1]
    assert "staff.lock" in actions()


def test_a_stranger_who_knows_an_address_locks_nobody_out(joined: Person, watch: Watch) -> None:
    stranger = Person(joined.app, EMAIL)
    for _ in range(2):
        page = stranger.have_code_mailed()
        for _ in range(5):
            page = stranger.send(page, "/codes", mailed="nope", shown="000000")
        assert page.title == "These codes work no more"
    watch.move(minutes=1)

    assert joined.redeem(joined.sign_in_with_codes()).status_code == 200


def test_a_mailed_code_is_over_after_five_tries_and_after_ten_minutes(joined: Person, watch: Watch) -> None:
    page = joined.have_code_mailed()
    mailed = joined.mailed_code()
    for _ in range(5):
        over = joined.send(page, "/codes", mailed="nope", shown=joined.shown())
    assert over.title == "These codes work no more"
    assert joined.send(page, "/codes", mailed=mailed, shown=joined.shown()).title == "These codes work no more"

    page = joined.have_code_mailed()
    watch.move(minutes=9, seconds=59)
    assert joined.send(page, "/codes", mailed="nope", shown=joined.shown()).title == "Enter your codes"
    watch.move(seconds=1)
    assert joined.send(page, "/codes", mailed=joined.mailed_code(), shown=joined.shown()).status in (400, 410)


def test_the_pages_are_the_same_for_an_address_that_nobody_has(joined: Person) -> None:
    nobody = Person(joined.app, "nobody@example.com")
    suspended = Person(joined.app, "gone@example.com")
    add("gone@example.com", "support")
    with transaction() as session:
        session.execute(text("UPDATE auth.staff SET status = 'suspended' WHERE joined_at IS NULL"))

    seen = []
    for person in (joined, nobody, suspended):
        page = person.have_code_mailed()
        wrong_page = person.send(page, "/codes", mailed="nope", shown="000000")
        seen.append([(each.status, each.title, _without_names(each)) for each in (page, wrong_page)])

    assert seen[0] == seen[1] == seen[2]
    assert (nobody.mails(), suspended.mails()) == ([], [])


def test_known_and_unknown_addresses_take_the_same_steps(joined: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: dict[str, list[str]] = {EMAIL: [], "nobody@example.com": []}
    execute = psycopg.Cursor.execute

    for email, noted in steps.items():

        def note(self: Any, query: Any, *given: Any, _noted: list[str] = noted, **named: Any) -> Any:
            _noted.append(str(query))
            return execute(self, query, *given, **named)

        with monkeypatch.context() as patched, transaction() as session:
            patched.setattr(psycopg.Cursor, "execute", note)
            signing_in.begin(session, email, address="192.0.2.1", brand_name="Pocketful", now=clock.now())
            session.flush()

    assert steps[EMAIL] == steps["nobody@example.com"] != []


def test_so_many_codes_are_mailed_and_no_more(joined: Person, watch: Watch) -> None:
    for email in (EMAIL, "nobody@example.com"):
        person = Person(joined.app, email)
        watch.move(minutes=20)
        statuses = [person.have_code_mailed().status for _ in range(6)]
        assert statuses == [200, 200, 200, 200, 200, 429]


def test_of_many_who_bring_both_codes_at_once_one_signs_in(joined: Person) -> None:
    with transaction() as session:
        handle = signing_in.begin(session, EMAIL, address="192.0.2.1", brand_name="Pocketful", now=clock.now())
    assert isinstance(handle, str)
    mailed, shown, said = joined.mailed_code(), joined.shown(), list[object]()

    def bring() -> None:
        with transaction() as session:
            said.append(signing_in.by_codes(session, handle, mailed=mailed, shown=shown, now=clock.now()))

    threads = [threading.Thread(target=bring) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(said) == 30
    assert sum(not isinstance(each, Wrong) for each in said) == 1


def test_of_many_wrong_codes_at_once_five_are_judged(joined: Person) -> None:
    with transaction() as session:
        handle = signing_in.begin(session, EMAIL, address="192.0.2.1", brand_name="Pocketful", now=clock.now())
    assert isinstance(handle, str)
    said = list[object]()

    def guess() -> None:
        with transaction() as session:
            said.append(signing_in.by_codes(session, handle, mailed="nope", shown="0", now=clock.now()))

    threads = [threading.Thread(target=guess) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(each.tries_left for each in said if isinstance(each, Wrong)) == [0] * 26 + [1, 2, 3, 4]


def test_a_recovery_code_lets_its_owner_make_another_authenticator_and_nothing_else(
    joined: Person, watch: Watch
) -> None:
    granted = joined.redeem(joined.sign_in_with_codes()).json
    old, code = joined.secret, joined.recovery_codes[0]
    watch.move(seconds=60)
    page = joined.send(joined.have_code_mailed(), "/recovery", mailed=joined.mailed_code(), recovery=code)

    assert page.title == "Make another passkey or authenticator"
    assert "/staff/join/" in page.address
    again = joined.join_with_authenticator(page.address)
    assert again.title == "Keep your recovery codes"
    assert joined.secret != old
    assert joined.refresh(granted["refresh_token"]).status_code == 400  # signed out everywhere
    watch.move(seconds=60)
    assert joined.redeem(joined.sign_in_with_codes()).status_code == 200
    assert "staff.recover" in actions()


def test_a_recovery_code_works_once_and_only_with_the_mailed_code(joined: Person) -> None:
    code = joined.recovery_codes[0]
    page = joined.have_code_mailed()
    assert joined.send(page, "/recovery", mailed="nope", recovery=code).status == 400
    assert "/staff/join/" in joined.send(page, "/recovery", mailed=joined.mailed_code(), recovery=code).address

    page = joined.have_code_mailed()
    assert joined.send(page, "/recovery", mailed=joined.mailed_code(), recovery=code).status == 400


def test_wrong_recovery_codes_lock_as_wrong_codes_do(joined: Person) -> None:
    page = joined.have_code_mailed()
    for _ in range(5):
        joined.send(page, "/recovery", mailed=joined.mailed_code(), recovery="AAAA-AAAA-AAAA-AAAA")

    page = joined.have_code_mailed()
    assert joined.send(page, "/recovery", mailed=joined.mailed_code(), recovery=joined.recovery_codes[0]).status == 429


def test_what_was_locked_stays_so_in_another_process(joined: Person, settings: Settings) -> None:
    fail(joined, 5)
    with transaction() as session:
        handle = signing_in.begin(session, EMAIL, address="192.0.2.9", brand_name="Pocketful", now=clock.now())
    given = [settings.database_url, str(handle), joined.mailed_code(), joined.shown(), clock.now().isoformat()]

    asked = subprocess.run([sys.executable, "-c", _ANOTHER, *given], capture_output=True, text=True, check=True)

    assert asked.stdout == "Wait(seconds=900)\n"


_ANOTHER = """
import sys
from dataclasses import replace
from datetime import datetime

from auth.staff import signing_in
from core import crypto, db
from core.settings import Settings

url, handle, mailed, shown, now = sys.argv[1:]
settings = replace(Settings(environment="test"), database_url=url)
db.open_database(settings)
crypto.load_keys(settings)
with db.transaction() as session:
    print(signing_in.by_codes(session, handle, mailed=mailed, shown=shown, now=datetime.fromisoformat(now)))
db.close_database()
"""


def _without_names(page: Page) -> str:
    """The page without what is made anew each time."""
    return re.sub(r'value="[^"]+"', "", page.text)
