"""A known number and an unknown one: the same words, and the same work, whatever becomes of the request."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.auth.conftest import PHONE, Phone, Watch

UNKNOWN = "+12125550143"


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is asked of the database meanwhile, less its values."""
    seen: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(self: Any, query: Any, *more: Any, **options: Any) -> Any:
        seen.append(re.sub(r"\s+", " ", str(query)).strip())
        return execute(self, query, *more, **options)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", noted)
        yield seen


def asked(phone: Phone, monkeypatch: pytest.MonkeyPatch, number: str) -> tuple[Any, list[str]]:
    with statements(monkeypatch) as seen:
        answer = phone.ask(number)
    told = {**answer.json, "status": answer.status_code, "headers": sorted(answer.headers.keys())}
    told.pop("auth_session", None)
    return told, seen


def test_known_and_unknown_numbers_cost_the_same_statements(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    phone.sign_in()
    phone.address = "192.0.2.2"  # where nobody signed in

    known, unknown = asked(phone, monkeypatch, PHONE), asked(phone, monkeypatch, UNKNOWN)

    assert known == unknown
    assert len(known[1]) <= 9


def test_what_is_refused_is_refused_alike(phone: Phone, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.now = watch.now.replace(minute=1, second=0)
    phone.sign_in()
    phone.address = "192.0.2.2"
    for _ in range(5):
        phone.ask(PHONE)
        phone.ask(UNKNOWN)

    known, unknown = asked(phone, monkeypatch, PHONE), asked(phone, monkeypatch, UNKNOWN)

    assert known[0]["error"] == "slow_down"
    assert known == unknown


def test_a_wrong_code_costs_and_tells_the_same(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    phone.sign_in()
    told = []
    for number in (PHONE, UNKNOWN):
        auth_session = phone.ask(number).json["auth_session"]
        wrong = f"{(int(phone.read_code(number)) + 1) % 1_000_000:06}"
        with statements(monkeypatch) as seen:
            answer = phone.prove(auth_session, wrong)
        told.append((answer.status_code, answer.json["tries_left"], answer.json["error_description"], seen))

    assert told[0] == told[1]
