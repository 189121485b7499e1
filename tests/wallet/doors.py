"""Clients with a token in their hand, for tests of the wallet over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.test import TestResponse

from auth import customers, tokens
from auth.proofs import ONE_FACTOR
from core import clock, ids
from core.db import transaction
from core.web.principals import Principal


class Door:
    """One principal at one door."""

    def __init__(self, app: Flask, prefix: str, audience: str, principal: Principal) -> None:
        self.client, self.prefix, self.id = app.test_client(), prefix, principal.id
        token = tokens.mint(principal, audience=audience, client_id="test", now=clock.now(), ttl=timedelta(hours=1))
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> TestResponse:
        headers = {**self.headers, "Idempotency-Key": key or str(ids.new())}
        return self.client.open(self.prefix + path, method=method, json=body, headers=headers)

    def code(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """The status and code of a refusal."""
        answer = self.ask(method, path, body)
        return answer.status_code, (answer.json or {}).get("code", "")


def sign_up(phone: str = "+12025550143") -> UUID:
    """A customer, known to every room."""
    with transaction() as session:
        return customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=clock.now()).id


def customer_door(app: Flask, customer_id: UUID) -> Door:
    """Of a customer who has just signed in by a texted code."""
    signed_in = int(clock.now().timestamp())
    return Door(app, "/app/v1", tokens.APP, Principal("customer", customer_id, auth_time=signed_in, acr=ONE_FACTOR))


def staff_door(app: Flask, *permissions: str) -> Door:
    return Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=frozenset(permissions)))
