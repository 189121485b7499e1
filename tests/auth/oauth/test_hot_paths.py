"""What the paths that everybody takes ask of the database, statement by statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from auth.oauth import clients
from core.prepared import PreparedCall
from tests.auth.conftest import Phone


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that are sent meanwhile: by cursors, and by calls that go past them."""
    sent: list[str] = []
    execute, executed = psycopg.Cursor.execute, PreparedCall._executed

    def by_cursor(self: Any, query: Any, *given: Any, **more: Any) -> Any:
        sent.append(str(query))
        return execute(self, query, *given, **more)

    def by_call(self: PreparedCall, *given: Any) -> Any:
        sent.append(self._statement)
        return executed(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", by_cursor)
        patch.setattr(PreparedCall, "_executed", by_call)
        yield sent


def test_a_refresh_is_one_statement(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    token = phone.sign_in()["refresh_token"]
    clients.find("pocketful-app")

    with counted(monkeypatch) as sent:
        answer = phone.refresh(token)

    assert answer.status_code == 200
    assert [" ".join(statement.split())[:24] for statement in sent] == ["UPDATE auth.token_family"]


def test_a_refresh_token_that_we_never_made_asks_the_database_nothing(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.refresh("x")

    with counted(monkeypatch) as sent:
        answer = phone.refresh("pf_rt_" + "A" * 91)

    assert (answer.status_code, sent) == (400, [])
