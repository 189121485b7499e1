"""A client that another process suspends gets nothing here within a second, though clients are kept for five."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from auth.oauth import clients
from auth.tokens import revocations
from auth.tokens.models import Revocation
from core.db import transaction
from tests.auth.conftest import Phone, Watch


@pytest.fixture
def restored(database: None, sweeper: psycopg.Connection) -> Iterator[None]:
    yield
    sweeper.execute("UPDATE auth.client SET status = 'active'")
    clients.forget_known()


def suspend_elsewhere(watch: Watch) -> None:
    """What another process has written when it has suspended the app."""
    with transaction() as session:
        session.execute(text("UPDATE auth.client SET status = 'suspended' WHERE client_id = 'pocketful-app'"))
        row = Revocation(subject="client:pocketful-app", issued_until=watch.now, until=watch.now + timedelta(days=1))
        session.add(row)


def test_a_client_suspended_elsewhere_gets_no_tokens_within_a_second(
    phone: Phone, watch: Watch, restored: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = phone.sign_in()
    suspend_elsewhere(watch)
    monkeypatch.setattr(revocations, "_read_at", float("-inf"))  # the second has passed
    monkeypatch.setattr(revocations, "_tried_at", float("-inf"))

    assert phone.refresh(told["refresh_token"]).json["error"] == "invalid_client"
    answer = phone.client.get("/app/v1/me", headers={"Authorization": f"Bearer {told['access_token']}"})
    assert answer.status_code == 401


def test_a_client_is_kept_as_it_was_read_where_nothing_was_revoked(phone: Phone, restored: None) -> None:
    told = phone.sign_in()
    with transaction() as session:
        session.execute(text("UPDATE auth.client SET name = 'Another name' WHERE client_id = 'pocketful-app'"))

    found = clients.find("pocketful-app")

    assert found is not None and found.name != "Another name"
    assert phone.refresh(told["refresh_token"]).status_code == 200
    with transaction() as session:
        session.execute(
            text("UPDATE auth.client SET name = :name WHERE client_id = 'pocketful-app'"), {"name": found.name}
        )
