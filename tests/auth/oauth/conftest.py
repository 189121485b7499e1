"""What the tests of the protocol share: clients of other kinds than the brand's app."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask

from auth.oauth import clients, registering
from core import clock
from core.db import transaction

SEEDED = ("pocketful-app", "pocketful-admin", "pocketful-till")


def registered(**given: Any) -> tuple[str, str]:
    """Id and secret of a new client; a partner with a secret where nothing else is said."""
    usual = {
        "name": "Corner Books",
        "kind": clients.PARTNER,
        "auth_method": clients.BASIC,
        "redirect_uris": ["https://books.example/callback"],
        "scopes": ["openid", "offline_access", "profile", "email", "phone"],
    }
    with transaction() as session:
        row, secret = registering.add(
            session, given={**usual, **given}, made_by="operator", may_be_local=True, now=clock.now()
        )
    return row.client_id, secret or ""


@pytest.fixture(autouse=True)
def only_seeded_clients(app: Flask, sweeper: psycopg.Connection) -> Iterator[None]:
    """The table of clients is seeded, so nobody empties it."""
    clients.forget_known()
    yield
    sweeper.execute("SELECT testing.empty_tables()")
    sweeper.execute("DELETE FROM auth.client WHERE client_id <> ALL (%s)", [list(SEEDED)])
    clients.forget_known()
