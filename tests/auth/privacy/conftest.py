"""Customers with something of theirs in every room, as exports tell it and erasures drop it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from auth import customers, tokens
from auth.privacy import steps, tombstones
from auth.proofs import ONE_FACTOR
from core import clock, ids
from core.db import connection_of, transaction
from core.settings import Settings
from core.web.principals import Principal

PHONE = "+12025550191"


@dataclass
class Account:
    """A customer's app, signed in a moment ago."""

    app: Flask
    customer_id: UUID
    signed_in_ago: timedelta = timedelta()
    acr: str = ONE_FACTOR

    def ask(self, method: str, path: str, body: Any = None) -> TestResponse:
        now = clock.now()
        signed_in = int((now - self.signed_in_ago).timestamp())
        who = Principal("customer", self.customer_id, auth_time=signed_in, acr=self.acr)
        token = tokens.mint(who, audience=tokens.APP, client_id="pocketful-app", now=now)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(ids.new())}
        return self.app.test_client().open(f"/app/v1{path}", method=method, json=body, headers=headers)

    def erase(self, *forfeit: str) -> TestResponse:
        return self.ask("POST", "/me/erasure", {"forfeit": list(forfeit)})

    def stale(self) -> "Account":
        return replace(self, signed_in_ago=timedelta(seconds=301))

    def receipt(self, url: str) -> dict[str, Any]:
        told = self.app.test_client().get("/erasures/" + url.rpartition("/")[2])
        assert told.status_code == 200, told.json
        found: dict[str, Any] = told.json
        return found


def sign_up(app: Flask, phone: str = PHONE) -> Account:
    with transaction() as session:
        return Account(app, customers.sign_up(session, phone=phone, locale="en", time_zone=None, now=clock.now()).id)


@pytest.fixture
def account(app: Flask) -> Account:
    return sign_up(app)


@pytest.fixture(autouse=True)
def register(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "kept" / "erasures"
    tombstones.load(replace(settings, erasure_register=str(place)))
    yield place
    tombstones.load(settings)


def work_off() -> int:
    """Erase until nothing is due; how many steps it took."""
    count = 0
    while steps.work_off(clock.now()):
        count += 1
    return count


def rows_of(query: str, *values: object) -> list[Any]:
    with transaction() as session:
        return connection_of(session).execute(query, values).fetchall()
