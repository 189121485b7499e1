"""General rates on the sign-in door: counted by the address, told in OAuth's words."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.settings import Settings
from core.web import rates
from core.web.rates import Counts
from tests.auth.conftest import Phone


@pytest.fixture
def three_a_minute(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(rates, "_counts", Counts())
    monkeypatch.setattr(rates, "_start", lambda: None)
    monkeypatch.setattr(time, "time", lambda: 28_000_000 * 60 + 10.0)
    rates.load(replace(Settings(environment="test"), rate_limits="address=3"))
    yield
    rates.load(Settings(environment="test"))


@pytest.mark.usefixtures("three_a_minute")
def test_an_address_that_asks_too_much_is_told_to_slow_down(phone: Phone) -> None:
    answers = [phone.post("/oauth/token", grant_type="refresh_token", refresh_token="x") for _ in range(4)]

    assert [answer.headers["RateLimit"] for answer in answers[:3]] == [f'"minute";r={left};t=50' for left in (2, 1, 0)]
    refused = answers[3]
    assert (refused.status_code, refused.json["error"], refused.headers["Retry-After"]) == (429, "slow_down", "50")
    phone.address = "192.0.2.2"
    assert phone.post("/oauth/token", grant_type="refresh_token", refresh_token="x").status_code == 400
