"""Signing somebody in to a client of a test's own, as the pages and the native sign-in do it: by a code."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Flask

from auth import customers
from auth.oauth import clients, codes, pkce
from auth.proofs import ONE_FACTOR, Owner, Proved
from core import clock
from core.db import transaction
from tests.auth.conftest import PHONE, VERIFIER

REDIRECT_URI = "https://books.example/callback"


def customer(phone: str = PHONE) -> UUID:
    with transaction() as session:
        return customers.sign_up(session, phone=phone, locale="en-GB", time_zone="Europe/London", now=clock.now()).id


def code_for(
    client_id: str, customer_id: UUID | None = None, *, scope: str = "openid", staff_id: UUID | None = None, **more: Any
) -> str:
    """An authorization code, for a redirect of the client's and with the usual challenge where nothing else is said."""
    client = clients.find(client_id)
    assert client is not None
    owner = Owner(customer_id=customer_id, staff_id=staff_id)
    proved = Proved(owner=owner, auth_time=clock.now(), acr=ONE_FACTOR, amr=("otp", "sms"))
    usual: dict[str, Any] = {"code_challenge": pkce.challenge_of(VERIFIER), "redirect_uri": REDIRECT_URI}
    with transaction() as session:
        return codes.issue(session, client=client, proved=proved, scope=scope, now=clock.now(), **{**usual, **more})


@dataclass
class Relying:
    """A client's own server, or app: it redeems, refreshes and asks."""

    app: Flask
    client_id: str
    secret: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def post(self, path: str, **form: Any) -> Any:
        auth = (self.client_id, self.secret) if self.secret else None
        if not self.secret:
            form = {"client_id": self.client_id, **form}
        sent = {name: value for name, value in form.items() if value is not None}
        return self.app.test_client().post(path, data=sent, auth=auth, headers=self.headers)

    def redeem(self, code: str, **form: Any) -> Any:
        usual = {"code_verifier": VERIFIER, "redirect_uri": REDIRECT_URI}
        return self.post("/oauth/token", grant_type="authorization_code", code=code, **{**usual, **form})

    def refresh(self, token: str, **form: Any) -> Any:
        return self.post("/oauth/token", grant_type="refresh_token", refresh_token=token, **form)

    def userinfo(self, access_token: str) -> Any:
        return self.app.test_client().get("/oauth/userinfo", headers={"Authorization": f"Bearer {access_token}"})

    def introspect(self, token: str) -> Any:
        return self.post("/oauth/introspect", token=token)
