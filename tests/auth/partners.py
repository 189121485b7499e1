"""Clients that tests add, and take away again: `auth.client` is a seeded table, which is not emptied between tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from auth.oauth import clients, origins
from auth.oauth.clients import Client
from auth.oauth.models import Client as ClientRow
from core.db import transaction

REDIRECT_URI = "https://shop.example/back"
SCOPES = ["openid", "offline_access", "profile", "phone", "email"]


@contextmanager
def client(sweeper: psycopg.Connection, client_id: str, **columns: Any) -> Iterator[Client]:
    """A partner with a redirect URI and every scope, if nothing else is said."""
    usual = {"name": "Shop & Co", "kind": "partner", "audience": "partner", "redirect_uris": [REDIRECT_URI],
             "scopes": SCOPES}  # fmt: skip
    with transaction() as session:
        session.add(ClientRow(client_id=client_id, **{**usual, **columns}))
    clients.forget_known()
    origins.forget_known()
    found = clients.find(client_id)
    assert found is not None
    try:
        yield found
    finally:
        sweeper.execute("SELECT testing.empty_tables()")
        sweeper.execute("DELETE FROM auth.client WHERE client_id = %s", [client_id])
        clients.forget_known()
        origins.forget_known()
