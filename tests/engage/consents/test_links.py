"""Signed links: the preference page and one-click unsubscribing, which no scanner sets off and no guesser opens."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from auth.models import Customer
from core import clock, crypto, ids
from core.db import connection_of, transaction
from core.errors import Busy
from engage import consents
from engage.consents import preferences, signing, unsubscribing, wordings
from engage.consents.signing import Claim
from tests.engage.conftest import START, Open, Scene
from tests.engage.consents.test_saying import history

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def page(open_for: Open) -> Iterator[FlaskClient]:
    with clock.simulated(lambda: START):
        yield open_for()


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def allowed(customer_id: UUID) -> set[str]:
    with transaction() as session:
        said = consents.of_many(session, [customer_id])
        return {channel for (_, channel, purpose), granted in said.said.items() if granted and purpose == "marketing"}


def test_one_click_unsubscribe(scene: Scene, page: FlaskClient) -> None:
    customer_id = scene.customer(consent=["email", "sms"])
    link = path(unsubscribing.url(customer_id, "email"))

    answers = [page.post(link, data=ONE_CLICK) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert all("Set-Cookie" not in answer.headers and "Location" not in answer.headers for answer in answers)
    assert allowed(customer_id) == {"sms"}
    assert [(row.channel, row.source) for row in history(customer_id)][2:] == [("email", "one_click")]


@pytest.mark.usefixtures("own_options")
def test_a_mail_program_that_asks_once_is_heard_by_a_busy_database(scene: Scene, page: FlaskClient) -> None:
    """Longer than a statement waits for a lock, after which it gives up."""
    customer_id = scene.customer(consent=["email"])
    has_locked = threading.Event()

    def hold_on() -> None:
        with transaction() as session:
            query = "SELECT FROM engage.consent WHERE customer_id = %s FOR UPDATE"
            connection_of(session).execute(query, [customer_id])
            has_locked.set()
            connection_of(session).execute("SELECT pg_sleep(2.3)")

    thread = threading.Thread(target=hold_on)
    thread.start()
    has_locked.wait(timeout=10)
    assert page.post(path(unsubscribing.url(customer_id, "email")), data=ONE_CLICK).status_code == 200
    thread.join()

    assert allowed(customer_id) == set()


def test_a_mail_programs_post_may_be_a_multipart_form(scene: Scene, page: FlaskClient) -> None:
    customer_id = scene.customer(consent=["email"])

    answer = page.post(
        path(unsubscribing.url(customer_id, "email")), data=ONE_CLICK, content_type="multipart/form-data"
    )

    assert (answer.status_code, allowed(customer_id)) == (200, set())


def test_a_scanners_look_changes_nothing(scene: Scene, page: FlaskClient) -> None:
    customer_id = scene.customer(consent=["email"])
    for link in (path(unsubscribing.url(customer_id, "email")), path(preferences.url(customer_id))):
        for method in ("get", "head"):
            assert getattr(page, method)(link).status_code == 200
        assert getattr(page, "options")(link).status_code == 200  # noqa: B009
    assert page.post(path(unsubscribing.url(customer_id, "email")), data={"other": "field"}).status_code == 400

    assert allowed(customer_id) == {"email"}


def test_pages_are_kept_by_nobody_and_tell_nobody_where_one_came_from(scene: Scene, page: FlaskClient) -> None:
    answer = page.get(path(preferences.url(scene.customer())))

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "+1212" not in answer.text


def test_wrong_old_and_foreign_links_get_one_page(scene: Scene, page: FlaskClient) -> None:
    customer_id, erased = scene.customer(), scene.customer()
    with transaction() as session:
        row = session.get_one(Customer, erased)
        row.phone = row.phone_index = None
        crypto.destroy_data_key(session, erased)
    good = signing.sign(customer_id, "email", now=START)
    flipped = good[:-4] + ("A" if good[-4] != "A" else "B") + good[-3:]
    tokens = [
        "", "x", "AAAA", "ä", "%00", good[:-1], good + good, flipped, good[:5] + "." + good[6:],
        signing.sign(ids.new(), "email", now=START), signing.sign(erased, "email", now=START),
        signing.sign(customer_id, "email", now=START - timedelta(days=181)),
        signing.sign(customer_id, signing.PREFERENCES, now=START),
    ]  # fmt: skip

    texts = set()
    for token in tokens[1:4] + tokens[5:]:
        for answer in (page.get(f"/u/{token}"), page.post(f"/u/{token}", data=ONE_CLICK)):
            assert answer.status_code == 404, token
            texts.add(answer.text)
    assert len(texts) == 1
    assert page.get(f"/p/{good}").text in texts  # a link to stop one channel opens no preferences
    assert page.get("/u/%00").status_code == 404
    assert allowed(customer_id) == {"push", "sms"}


@pytest.mark.parametrize(("days", "is_good"), [(0, True), (180, True), (181, False)])
def test_links_are_good_for_half_a_year(database: None, days: int, is_good: bool) -> None:
    customer_id = ids.new()
    token = signing.sign(customer_id, "sms", now=START)

    claim = signing.read(token, now=START + timedelta(days=days))

    assert claim == (Claim(customer_id, "sms") if is_good else None)


def test_links_differ_by_customer_purpose_and_day(database: None) -> None:
    first, second = ids.new(), ids.new()
    late = datetime(2179, 1, 1, tzinfo=UTC)
    made = {
        signing.sign(customer_id, scope, now=now)
        for customer_id in (first, second)
        for scope in signing.SCOPES
        for now in (START, START + timedelta(days=1), late)
    }

    assert len(made) == 2 * len(signing.SCOPES) * 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{47}", token) for token in made)


def form_of(html: str) -> dict[str, str]:
    """What a browser would send of the page's form as it stands."""
    sent = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html))
    sent |= dict.fromkeys(re.findall(r'<input type="checkbox" name="([^"]+)" value="yes" checked>', html), "yes")
    return sent


def test_the_page_saves_what_was_ticked_with_the_words_beside_it(scene: Scene, page: FlaskClient) -> None:
    customer_id = scene.customer(consent=["sms"])
    with transaction() as session:
        asked = wordings.add(
            session, channel="email", purpose="marketing", locale="en", text="<b>Mail</b> me & mine",
            actor="staff:test", now=START,
        )  # fmt: skip
    link = path(preferences.url(customer_id))
    html = page.get(link).text
    assert "&lt;b&gt;Mail&lt;/b&gt; me &amp; mine" in html

    sent = form_of(html)
    assert page.post(link, data=sent).status_code == 200  # saved as it was: nothing is said
    assert len(history(customer_id)) == 1
    del sent["sms.marketing"]
    saved = page.post(link, data={**sent, "email.marketing": "yes"})

    assert "Saved." in saved.text
    assert allowed(customer_id) == {"email"}
    assert [(row.channel, row.is_granted, row.source, row.wording_id) for row in history(customer_id)[1:]] == [
        ("email", True, "page", asked.id), ("sms", False, "page", None),
    ]  # fmt: skip


def test_a_no_on_the_page_is_heard_by_a_busy_database(
    scene: Scene, page: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer_id = scene.customer(consent=["sms"])
    choose, tries = preferences.choose, []

    def busy_at_first(*args: Any, **given: Any) -> int:
        tries.append("tried")
        if len(tries) == 1:
            raise Busy
        return choose(*args, **given)

    monkeypatch.setattr(preferences, "choose", busy_at_first)

    assert page.post(path(preferences.url(customer_id)), data={"shown.sms.marketing": ""}).status_code == 200
    assert allowed(customer_id) == set()


@pytest.mark.parametrize(
    "sent",
    [
        {"shown.sms.marketing": "not-an-id"}, {"shown.sms.marketing": "0198b5c8-0000-7000-8000-000000000000"},
        {"shown.fax.marketing": "", "fax.marketing": "yes"}, {"shown.": ""}, {"shown.sms": "", "sms.": "yes"},
    ],
)  # fmt: skip
def test_a_form_that_we_did_not_make_saves_nothing(scene: Scene, page: FlaskClient, sent: dict[str, str]) -> None:
    customer_id = scene.customer(consent=["sms"])

    assert page.post(path(preferences.url(customer_id)), data=sent).status_code == 409

    assert allowed(customer_id) == {"sms"}


def test_what_was_not_shown_is_not_refused(scene: Scene, page: FlaskClient) -> None:
    customer_id = scene.customer(consent=["sms"])

    assert page.post(path(preferences.url(customer_id)), data={}).status_code == 200

    assert allowed(customer_id) == {"sms"}
