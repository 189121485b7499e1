"""Staff register the brand's apps and its partners."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from sqlalchemy import select

from auth import tokens
from auth.oauth.models import Client
from core import clock, ids
from core.audit import AuditEntry
from core.db import transaction
from core.web.principals import Principal
from tests.auth.conftest import Watch
from tests.auth.oauth.granting import Relying, code_for, customer

PARTNER = {
    "name": "Corner Books",
    "kind": "partner",
    "auth_method": "client_secret_basic",
    "redirect_uris": ["https://books.example/callback"],
}


class Engineer:
    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.principal = Principal("staff", ids.new(), permissions=frozenset({"clients.read", "clients.write"}))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        minted = tokens.mint(
            self.principal, audience=tokens.ADMIN, client_id="test", now=clock.now(), ttl=timedelta(minutes=5)
        )
        return self.client.open(
            f"/admin/v1{path}", method=method, json=body, headers={"Authorization": f"Bearer {minted}"}
        )

    def add(self, **more: Any) -> Any:
        return self.ask("POST", "/clients", {**PARTNER, **more})


@pytest.fixture
def engineer(app: Flask, watch: Watch) -> Engineer:
    return Engineer(app)


def pointers(answer: Any) -> list[str]:
    assert (answer.status_code, answer.json["code"]) in ((422, "client_invalid"), (422, "invalid_input")), answer.json
    return [error["pointer"] for error in answer.json["errors"]]


def test_a_partner_is_registered_and_its_secret_is_told_once(engineer: Engineer) -> None:
    made = engineer.add(client_id="corner-books")

    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert made.json["sector"] == "books.example"
    assert made.json["audience"] == "partner"
    shown = engineer.ask("GET", "/clients/corner-books").json
    assert shown == {name: value for name, value in made.json.items() if name != "client_secret"}
    with transaction() as session:
        kept = session.get_one(Client, "corner-books").secret
        assert kept and made.json["client_secret"].encode() not in kept
        entries = session.scalars(select(AuditEntry).where(AuditEntry.target == "client:corner-books")).all()
    assert [(entry.actor, entry.action) for entry in entries] == [(engineer.principal.name, "client.add")]
    assert made.json["client_secret"] not in str(entries[0].change)


def test_an_id_can_be_had_once_and_is_never_a_tills(engineer: Engineer) -> None:
    assert engineer.add(client_id="corner-books").status_code == 201

    taken = engineer.add(client_id="corner-books")

    assert (taken.status_code, taken.json["code"]) == (409, "client_id_taken")
    assert pointers(engineer.add(client_id=str(ids.new()))) == ["/client_id"]


@pytest.mark.parametrize(
    "uri",
    [
        "http://books.example/callback",
        "https://books.example/callback#part",
        "https://*.books.example/callback",
        "https://user@books.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "//books.example/callback",
        "books:/callback",
        "https://",
        "https://books.example/" + "x" * 2_000,
        'https://books.example/"',
        "https://bøoks.example/",
    ],
)
def test_an_address_that_could_lead_elsewhere_is_not_registered(engineer: Engineer, uri: str) -> None:
    assert pointers(engineer.add(redirect_uris=["https://books.example/callback", uri]))[0].startswith(
        "/redirect_uris/1"
    )
    assert engineer.ask("GET", "/clients?limit=200").json["items"][0]["client_id"].startswith("pocketful-")


def test_a_back_channel_leads_into_no_private_network(engineer: Engineer) -> None:
    for uri in ("https://10.0.0.1/x", "https://169.254.169.254/latest", "ftp://books.example/x"):
        assert pointers(engineer.add(back_channel_uri=uri)) == ["/back_channel_uri"], uri

    assert engineer.add(back_channel_uri="https://books.example/logout").status_code == 201


def test_a_partner_of_two_hosts_says_what_its_names_are_made_of(engineer: Engineer) -> None:
    two = ["https://books.example/callback", "https://books.test/callback"]

    assert pointers(engineer.add(redirect_uris=two)) == ["/sector"]
    assert engineer.add(redirect_uris=two, sector="books.example").status_code == 201


def test_only_partners_have_secrets_and_only_the_brands_apps_share_a_sign_in(engineer: Engineer) -> None:
    assert pointers(engineer.add(kind="app")) == ["/auth_method"]
    assert pointers(engineer.add(sso_group="brand")) == ["/sso_group"]
    assert pointers(engineer.add(scopes=["openid", "device_sso"])) == ["/scopes"]
    assert pointers(engineer.add(grant_types=["client_credentials"])) == ["/grant_types"]
    assert pointers(engineer.add(redirect_uris=[])) == ["/redirect_uris", "/sector"]

    app = engineer.add(kind="app", auth_method="none", sso_group="brand", redirect_uris=["com.books.app:/callback"])
    assert (app.status_code, "client_secret" in app.json) == (201, False)


def test_a_key_set_holds_public_keys_that_sign(engineer: Engineer) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    public = ECAlgorithm.to_jwk(own.public_key(), as_dict=True)
    short = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)
    secret = ECAlgorithm.to_jwk(own, as_dict=True)
    shared = {"kty": "oct", "k": "c2VjcmV0"}
    by_key = {"auth_method": "private_key_jwt"}

    assert engineer.add(**by_key, key_set={"keys": [public]}).status_code == 201
    for bad in (secret, short, shared, {}, "x", {"kty": "EC", "crv": "P-256", "x": "!", "y": "!"}):
        assert pointers(engineer.add(**by_key, key_set={"keys": [public, bad]})) == ["/key_set/keys/1"], bad
    bent: list[Any] = [{}, {"keys": []}, {"keys": "x"}, {"keys": [public] * 11}]
    for none in bent:
        assert pointers(engineer.add(**by_key, key_set=none)) == ["/key_set"], none
    assert pointers(engineer.add(**by_key)) == ["/key_set"]


def test_a_change_is_checked_like_a_new_client_and_leaves_its_kind(engineer: Engineer) -> None:
    client_id = engineer.add().json["client_id"]

    changed = engineer.ask("PATCH", f"/clients/{client_id}", {"redirect_uris": ["https://books.example/back"]})

    assert changed.json["redirect_uris"] == ["https://books.example/back"]
    assert pointers(engineer.ask("PATCH", f"/clients/{client_id}", {"redirect_uris": ["http://x"]}))
    for fixed in ("kind", "audience", "status", "client_id", "sector", "secret", "made_by", "auth_method"):
        assert pointers(engineer.ask("PATCH", f"/clients/{client_id}", {fixed: "app"})) == [f"/{fixed}"]
    assert engineer.ask("PATCH", "/clients/nobody", {}).status_code == 404


def test_a_new_secret_leaves_the_former_one_a_week(engineer: Engineer, watch: Watch) -> None:
    made = engineer.add().json
    client_id, first = made["client_id"], made["client_secret"]
    second = engineer.ask("POST", f"/clients/{client_id}/secrets").json["client_secret"]

    def comes_in(secret: str) -> bool:
        answer: Any = engineer.client.post("/oauth/introspect", data={"token": "x"}, auth=(client_id, secret))
        return bool(answer.status_code == 200)

    assert comes_in(first) and comes_in(second)
    watch.move(days=7, seconds=-1)
    assert comes_in(first)
    watch.move(seconds=1)
    assert not comes_in(first) and comes_in(second)
    assert engineer.ask("POST", "/clients/pocketful-app/secrets").status_code == 422


def test_a_suspended_client_gets_nothing_until_it_is_active_again(engineer: Engineer) -> None:
    made = engineer.add().json
    client_id, secret = made["client_id"], made["client_secret"]

    def ask() -> Any:
        return engineer.client.post("/oauth/introspect", data={"token": "x"}, auth=(client_id, secret))

    assert ask().status_code == 200

    assert engineer.ask("PUT", f"/clients/{client_id}/status", {"status": "suspended"}).json["status"] == "suspended"
    assert (ask().status_code, ask().json["error"]) == (401, "invalid_client")

    assert engineer.ask("PUT", f"/clients/{client_id}/status", {"status": "active"}).json["status"] == "active"
    assert ask().status_code == 200


def test_staff_do_not_lock_themselves_out(engineer: Engineer) -> None:
    path, suspended = "/clients/pocketful-admin/status", {"status": "suspended"}
    assert pointers(engineer.ask("PUT", path, suspended)) == ["/status"]

    more = {"kind": "staff", "auth_method": "none", "redirect_uris": ["https://desk.example/callback"]}
    engineer.add(client_id="another-desk", **more)
    assert engineer.ask("PUT", path, suspended).status_code == 200
    assert engineer.ask("PUT", path, {"status": "active"}).status_code == 200


def test_what_is_taken_back_of_a_clients_scopes_is_told_no_more(app: Flask, engineer: Engineer) -> None:
    made = engineer.add(scopes=["openid", "offline_access", "phone"]).json
    partner = Relying(app, made["client_id"], made["client_secret"])
    granted = partner.redeem(code_for(partner.client_id, customer(), scope="openid offline_access phone")).json
    assert "phone_number" in partner.userinfo(granted["access_token"]).json

    engineer.ask("PATCH", f"/clients/{partner.client_id}", {"scopes": ["openid", "offline_access"]})

    assert set(partner.userinfo(granted["access_token"]).json) == {"sub"}
    later = partner.refresh(granted["refresh_token"]).json
    assert later["scope"] == "openid offline_access"
    assert set(partner.userinfo(later["access_token"]).json) == {"sub"}


def test_clients_are_listed_by_pages(engineer: Engineer) -> None:
    first = engineer.ask("GET", "/clients?limit=2").json
    rest = engineer.ask("GET", f"/clients?limit=2&cursor={first['next_cursor']}").json

    assert [item["client_id"] for item in first["items"] + rest["items"]] == [
        "pocketful-admin",
        "pocketful-app",
        "pocketful-till",
    ]
    assert rest["next_cursor"] is None
