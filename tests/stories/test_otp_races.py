"""One-time codes under a rush over several server processes: five tries, one sign-in, five messages."""

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from auth.abuse.models import OtpTally
from auth.models import Customer
from auth.native import otp
from auth.native.models import SignIn
from auth.oauth import pkce
from auth.oauth.models import AuthorizationCode
from core.db import transaction
from core.delivery.models import Message
from tests.auth.conftest import CLIENT, PHONE, VERIFIER

AT_ONCE = 30
RIGHT, WRONG = "123456", "654321"


def post(address: str, **form: str) -> Any:
    data = urllib.parse.urlencode({**CLIENT, **form}).encode()
    try:
        with urllib.request.urlopen(f"{address}/oauth/authorize-challenge", data=data, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        assert error.code < 500, error.read()
        return json.load(error)


def ask(address: str, number: str = PHONE) -> Any:
    proof = {"code_challenge": pkce.challenge_of(VERIFIER), "code_challenge_method": "S256"}
    return post(address, login_hint=number, **proof)


def begun(address: str) -> str:
    """An attempt whose code is RIGHT: what was sent stands nowhere in clear."""
    auth_session = str(ask(address)["auth_session"])
    with transaction() as session:
        row = session.scalars(select(SignIn)).one()
        row.otp = otp.kept_otp(row.id, RIGHT)
    return auth_session


def together(act: Callable[[int], Any]) -> Sequence[Any]:
    ready = threading.Barrier(AT_ONCE)

    def one(number: int) -> Any:
        ready.wait()
        return act(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def count(model: Any) -> int:
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_thirty_wrong_codes_at_once_are_five_tries(lasting_server: str) -> None:
    auth_session = begun(lasting_server)

    told = together(lambda _: post(lasting_server, auth_session=auth_session, otp=WRONG))

    assert sorted(each["tries_left"] for each in told if "tries_left" in each) == [1, 2, 3, 4]
    assert Counter(each["error"] for each in told) == {"insufficient_authorization": 4, "invalid_session": 26}
    assert post(lasting_server, auth_session=auth_session, otp=RIGHT)["error"] == "invalid_session"


def test_a_process_that_saw_none_of_the_tries_counts_them(lasting_server: str, app: Flask) -> None:
    """As one that was started again does."""
    auth_session = begun(lasting_server)
    for left in (4, 3, 2, 1):
        assert post(lasting_server, auth_session=auth_session, otp=WRONG)["tries_left"] == left
    form = {**CLIENT, "auth_session": auth_session, "otp": WRONG}

    assert app.test_client().post("/oauth/authorize-challenge", data=form).json["error"] == "invalid_session"

    assert post(lasting_server, auth_session=auth_session, otp=RIGHT)["error"] == "invalid_session"


def test_thirty_right_codes_at_once_are_one_sign_in(lasting_server: str) -> None:
    auth_session = begun(lasting_server)

    told = together(lambda _: post(lasting_server, auth_session=auth_session, otp=RIGHT))

    assert Counter(each.get("error", "signed in") for each in told) == {"signed in": 1, "invalid_session": 29}
    assert (count(Customer), count(AuthorizationCode)) == (1, 1)


def test_thirty_requests_for_a_code_at_once_send_five(lasting_server: str) -> None:
    told = together(lambda _: ask(lasting_server))

    assert Counter(each["error"] for each in told) == {"insufficient_authorization": 5, "slow_down": 25}
    assert count(Message) == 5


def test_thirty_numbers_of_one_foreign_prefix_at_once_are_all_counted(lasting_server: str) -> None:
    told = together(lambda number: ask(lasting_server, f"+4477009001{number:02}"))

    assert Counter(each["error"] for each in told) == {"insufficient_authorization": AT_ONCE}
    with transaction() as session:
        sent = session.execute(select(OtpTally.scope, func.sum(OtpTally.sent)).group_by(OtpTally.scope)).all()
    assert sorted(map(tuple, sent)) == [("country:GB", AT_ONCE), ("prefix:+4477009", AT_ONCE)]


def test_tries_count_over_processes_that_know_nothing_of_each_other(lasting_server: str, app: Flask) -> None:
    auth_session = begun(lasting_server)
    for _ in range(4):
        post(lasting_server, auth_session=auth_session, otp=WRONG)
    here = app.test_client()
    form = {**CLIENT, "auth_session": auth_session}

    fifth: Any = here.post("/oauth/authorize-challenge", data={**form, "otp": WRONG})

    assert fifth.json["error_description"] == "Too many wrong answers: begin again"
    assert post(lasting_server, auth_session=auth_session, otp=RIGHT)["error"] == "invalid_session"
