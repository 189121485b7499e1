"""How many requests a minute anyone may make, here and over all processes."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from core import crypto
from core.db import transaction
from core.settings import Settings
from core.web import rates
from core.web.addresses import network_of
from core.web.rate_models import Rate
from core.web.rates import Counts, RateLimited

CUSTOMER = {"Authorization": "Bearer customer"}
#: Somewhere in a minute, its tenth second.
AT = 28_000_000 * 60 + 10.0


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three requests a minute for customers, two for an address; counted by this test alone."""
    monkeypatch.setattr(rates, "_counts", Counts())
    monkeypatch.setattr(rates, "_start", lambda: None)
    monkeypatch.setattr(time, "time", lambda: AT)
    rates.load(replace(Settings(environment="test"), rate_limits="customer=3,address=2"))
    yield
    rates.load(Settings(environment="test"))


@pytest.mark.usefixtures("allow")
def test_every_answer_tells_how_much_may_still_be_asked_for(till: FlaskClient) -> None:
    answers = [till.post("/app/orders", headers=CUSTOMER) for _ in range(4)]

    assert [answer.headers["RateLimit-Policy"] for answer in answers] == ['"minute";q=3;w=60'] * 4
    assert [answer.headers["RateLimit"] for answer in answers] == [
        '"minute";r=2;t=50',
        '"minute";r=1;t=50',
        '"minute";r=0;t=50',
        '"minute";r=0;t=50',
    ]
    assert [answer.status_code for answer in answers[:3]] == [answers[0].status_code] * 3
    refused = answers[3]
    assert refused.json is not None
    assert (refused.status_code, refused.json["code"], refused.json["retryable"]) == (429, "rate_limited", True)
    assert refused.headers["Retry-After"] == "50"


@pytest.mark.usefixtures("allow")
def test_who_shows_nothing_is_counted_by_the_address(till: FlaskClient) -> None:
    statuses = [till.post("/app/orders").status_code for _ in range(3)]
    elsewhere = till.post("/app/orders", environ_overrides={"REMOTE_ADDR": "192.0.2.9"})
    known = till.post("/app/orders", headers=CUSTOMER)

    assert statuses == [401, 401, 429]
    assert elsewhere.status_code == 401
    assert known.headers["RateLimit"] == '"minute";r=2;t=50'


@pytest.mark.usefixtures("allow")
def test_a_kind_that_no_limit_names_asks_freely(till: FlaskClient) -> None:
    answers = [till.get("/admin/shelves", headers={"Authorization": "Bearer clerk"}) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {answers[0].status_code} != {429}
    assert "RateLimit" not in answers[0].headers


def test_a_new_minute_begins_anew() -> None:
    counts = Counts()
    assert [counts.count("a", 2, AT).left for _ in range(2)] == [1, 0]
    with pytest.raises(RateLimited) as refused:
        counts.count("a", 2, AT + 49.9)

    assert refused.value.retry_after_seconds == 1
    assert counts.count("a", 2, AT + 50).left == 1


@pytest.mark.usefixtures("database")
def test_processes_hear_of_each_other_once_they_exchange() -> None:
    here, there = Counts(), Counts()
    for _ in range(6):
        here.count("customer:1", 10, AT)
        there.count("customer:1", 10, AT)

    assert (here.exchange(), there.exchange(), here.exchange()) == (1, 1, 0)
    with pytest.raises(RateLimited):
        there.count("customer:1", 10, AT)
    assert here.count("customer:1", 10, AT).left == 3  # of what was asked there it has not heard yet
    here.exchange()
    with pytest.raises(RateLimited):
        here.count("customer:1", 10, AT)


@pytest.mark.usefixtures("database")
def test_who_asks_for_little_never_reaches_the_database() -> None:
    counts = Counts()
    for _ in range(59):
        counts.count("customer:quiet", 600, AT)
    assert counts.exchange() == 0

    counts.count("customer:quiet", 600, AT)
    assert counts.exchange() == 1
    with transaction() as session:
        row = session.scalars(select(Rate)).one()
        assert (row.count, row.subject) == (60, crypto.blind_index("core.rate", "customer:quiet"))


@pytest.mark.usefixtures("database")
def test_minutes_that_are_over_are_dropped() -> None:
    counts = Counts()
    counts.count("a", 1, AT)
    counts.exchange()
    over = datetime.fromtimestamp(AT - 10, UTC) + timedelta(seconds=300)

    rates.forget(over)
    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(Rate)) == 1
    rates.forget(over + timedelta(seconds=1))

    with transaction() as session:
        assert session.scalar(select(func.count()).select_from(Rate)) == 0


def test_no_more_subjects_are_kept_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_MOST_SUBJECTS", 2)
    counts = Counts()
    for name in ("a", "b", "c", "c", "a"):
        counts.count(name, 10, AT)

    assert counts.asked == {"a": 2, "b": 1}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_an_address_is_what_one_caller_can_hardly_change(address: str, network: str) -> None:
    assert network_of(address) == network


def test_tests_are_held_to_no_rates_but_their_own() -> None:
    assert Settings(environment="test").requests_a_minute == {}
    assert Settings().requests_a_minute == {"customer": 600, "terminal": 1200, "staff": 600, "address": 3000}
    assert replace(Settings(), rate_limits="").requests_a_minute == {}
