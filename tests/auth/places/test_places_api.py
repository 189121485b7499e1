"""Staff keep places: they add them, rename them, suspend them, and each deed is in the audit log."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask
from sqlalchemy import text

from auth import tokens
from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from tests.auth.conftest import Phone, Watch
from tests.auth.places.conftest import Till, add_till, pem

Ask = Callable[..., Any]


@pytest.fixture
def ask(app: Flask) -> Ask:
    """A request of staff who may keep places."""
    held = frozenset({"merchants.read", "merchants.write", "terminals.write", "customers.write"})
    token = tokens.mint(
        Principal("staff", ids.new(), permissions=held), audience=tokens.ADMIN, client_id="test", now=clock.now()
    )

    def ask(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
        return app.test_client().open(f"/admin/v1{path}", method=method, json=body, headers=headers)

    return ask


def actions() -> list[str]:
    with transaction() as session:
        return list(session.scalars(text("SELECT action FROM core.audit_entry ORDER BY id")))


def at_the_door(till: Till, token: str) -> int:
    answer = till.client.get("/merchant/v1/store-code", headers={"Authorization": f"Bearer {token}"})
    return int(answer.status_code)


def test_an_organisation_its_merchant_their_store_and_its_till(ask: Ask, app: Flask, fresh_clients: None) -> None:
    key = ed25519.Ed25519PrivateKey.generate()

    organisation = ask("POST", "/organisations", {"name": "Coffee Group"}).json
    merchant = ask("POST", "/merchants", {"name": "Corner", "organisation_id": organisation["id"]}).json
    given = {"name": "High Street", "reference": "7", "time_zone": "Europe/London"}
    store = ask("POST", f"/merchants/{merchant['id']}/stores", given).json
    terminal = ask("POST", f"/stores/{store['id']}/terminals", {"name": "Till 1", "public_key": pem(key)}).json

    assert (merchant["organisation_id"], store["merchant_id"], terminal["store_id"]) == (
        organisation["id"], merchant["id"], store["id"],
    )  # fmt: skip
    assert {**store, **given} == store and terminal["status"] == "active"
    till = Till(app.test_client(), UUID(merchant["id"]), UUID(store["id"]), terminal["id"], key)
    assert till.ask().status_code == 200
    assert ask("GET", f"/terminals?merchant_id={merchant['id']}").json["items"][0]["seen_on"] is not None
    assert actions() == ["organisation.add", "merchant.add", "store.add", "terminal.add"]


def test_lists_are_paged_and_filtered(ask: Ask, app: Flask) -> None:
    one, two = add_till(app.test_client()), add_till(app.test_client())

    first = ask("GET", "/merchants?limit=1").json
    second = ask("GET", f"/merchants?limit=1&cursor={first['next_cursor']}").json

    assert [page["items"][0]["id"] for page in (first, second)] == [str(two.merchant_id), str(one.merchant_id)]
    assert second["next_cursor"] is None
    assert [row["id"] for row in ask("GET", f"/terminals?store_id={one.store_id}").json["items"]] == [one.id]
    assert ask("GET", "/terminals?status=suspended").json["items"] == []
    assert [row["id"] for row in ask("GET", f"/merchants/{two.merchant_id}/stores").json["items"]] == [
        str(two.store_id)
    ]
    assert ask("GET", f"/merchants?organisation_id={uuid4()}").json["items"] == []
    assert ask("GET", f"/merchants/{uuid4()}/stores").status_code == 404


def test_names_change_and_what_did_not_change_is_not_audited(ask: Ask, till: Till) -> None:
    assert ask("PATCH", f"/merchants/{till.merchant_id}", {"name": "Corner 2"}).json["name"] == "Corner 2"
    assert ask("PATCH", f"/stores/{till.store_id}", {"time_zone": "Asia/Tokyo"}).json["time_zone"] == "Asia/Tokyo"
    assert ask("PATCH", f"/terminals/{till.id}", {"name": "Till 1"}).json["name"] == "Till 1"

    assert actions() == ["merchant.change", "store.change"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PATCH", "/stores/{store}", {"time_zone": "Mars/Base"}, 422, "time_zone_unknown"),
        ("PATCH", "/stores/{store}", {"status": "suspended"}, 422, "invalid_input"),
        ("PATCH", "/stores/{store}", {"merchant_id": "{merchant}"}, 422, "invalid_input"),
        ("PATCH", "/merchants/{merchant}", {"organisation_id": "{nobody}"}, 404, "not_found"),
        ("PATCH", "/merchants/{merchant}", {"name": ""}, 422, "invalid_input"),
        ("PATCH", "/merchants/{nobody}", {"name": "x"}, 404, "not_found"),
        ("POST", "/merchants", {"name": "x", "id": "{nobody}"}, 422, "invalid_input"),
        ("POST", "/merchants", {"name": "x", "organisation_id": "{nobody}"}, 404, "not_found"),
        ("POST", "/merchants/{nobody}/stores", {"name": "x"}, 404, "not_found"),
        ("POST", "/stores/{store}/terminals", {"name": "x", "public_key": "none"}, 422, "public_key_invalid"),
        ("PUT", "/stores/{store}/status", {"status": "revoked"}, 422, "invalid_input"),
        ("PUT", "/stores/{nobody}/status", {"status": "suspended"}, 404, "not_found"),
        ("PUT", "/customers/{nobody}/status", {"status": "suspended"}, 404, "not_found"),
        ("PUT", "/customers/{nobody}/status", {"status": "erased"}, 422, "invalid_input"),
    ],
)
def test_bad_input_is_refused_and_leaves_no_trace(
    ask: Ask, till: Till, method: str, path: str, body: dict[str, str], status: int, code: str
) -> None:
    named = {"store": till.store_id, "merchant": till.merchant_id, "nobody": uuid4()}
    given = {name: value.format(**named) for name, value in body.items()}

    answer = ask(method, path.format(**named), given)

    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert actions() == []


@pytest.mark.parametrize("kind", ["terminal", "store", "merchant", "organisation"])
def test_a_suspended_place_lets_no_till_in_and_a_restored_one_does(
    ask: Ask, till: Till, watch: Watch, kind: str
) -> None:
    organisation = ask("POST", "/organisations", {"name": "Group"}).json["id"]
    ask("PATCH", f"/merchants/{till.merchant_id}", {"organisation_id": organisation})
    place = {"terminal": till.id, "store": till.store_id, "merchant": till.merchant_id, "organisation": organisation}
    token = till.token()
    assert at_the_door(till, token) == 200

    answer = ask("PUT", f"/{kind}s/{place[kind]}/status", {"status": "suspended"})

    assert (answer.status_code, answer.json["status"]) == (200, "suspended")
    assert at_the_door(till, token) == 401
    assert till.ask().json["error"] == "invalid_client"
    watch.move(seconds=6)
    assert till.ask().json["error"] == "invalid_client"

    assert ask("PUT", f"/{kind}s/{place[kind]}/status", {"status": "active"}).json["status"] == "active"

    watch.move(seconds=6)
    assert at_the_door(till, token) == 401  # what was out stays out
    assert at_the_door(till, till_token_within_seconds(till)) == 200


def till_token_within_seconds(till: Till) -> str:
    from auth.oauth import clients

    clients.forget_known()  # the five seconds for which a process takes a client as it was
    return till.token()


def test_other_tills_go_on(ask: Ask, till: Till, app: Flask) -> None:
    other = add_till(app.test_client(), store_id=till.store_id)
    token = other.token()

    ask("PUT", f"/terminals/{till.id}/status", {"status": "suspended"})

    assert at_the_door(other, token) == 200


def test_a_revoked_till_stays_revoked_and_its_key_taken(ask: Ask, till: Till) -> None:
    assert ask("PUT", f"/terminals/{till.id}/status", {"status": "revoked"}).json["status"] == "revoked"

    again = ask("PUT", f"/terminals/{till.id}/status", {"status": "active"})
    same_key = ask("POST", f"/stores/{till.store_id}/terminals", {"name": "New", "public_key": pem(till.key)})

    assert (again.status_code, again.json["code"]) == (409, "status_final")
    assert (same_key.status_code, same_key.json["code"]) == (409, "public_key_taken")


def test_a_merchant_that_joins_a_suspended_organisation_is_out(ask: Ask, till: Till) -> None:
    organisation = ask("POST", "/organisations", {"name": "Group"}).json["id"]
    ask("PUT", f"/organisations/{organisation}/status", {"status": "suspended"})
    token = till.token()

    ask("PATCH", f"/merchants/{till.merchant_id}", {"organisation_id": organisation})

    assert at_the_door(till, token) == 401


def test_a_suspended_customer_is_signed_out_everywhere(ask: Ask, phone: Phone, watch: Watch) -> None:
    first, second = phone.sign_in(), phone.sign_in()
    headers = [{"Authorization": f"Bearer {tokens['access_token']}"} for tokens in (first, second)]
    me = phone.client.get("/app/v1/me", headers=headers[0]).json["id"]

    assert ask("PUT", f"/customers/{me}/status", {"status": "suspended"}).json == {"id": me, "status": "suspended"}

    assert [phone.client.get("/app/v1/me", headers=header).status_code for header in headers] == [401, 401]
    assert phone.refresh(first["refresh_token"]).json["error"] == "invalid_grant"
    with transaction() as session:
        names = session.scalars(text("SELECT name FROM core.event WHERE name LIKE 'access.%'")).all()
    assert names == ["access.suspended"]

    ask("PUT", f"/customers/{me}/status", {"status": "active"})
    watch.move(minutes=2)
    assert phone.refresh(second["refresh_token"]).json["error"] == "invalid_grant"
    anew = phone.sign_in()
    answer = phone.client.get("/app/v1/me", headers={"Authorization": f"Bearer {anew['access_token']}"})
    assert answer.status_code == 200


def test_a_status_that_is_so_already_writes_nothing(ask: Ask, till: Till) -> None:
    token = till.token()

    assert ask("PUT", f"/stores/{till.store_id}/status", {"status": "active"}).status_code == 200

    assert at_the_door(till, token) == 200 and actions() == []


@pytest.mark.parametrize("status", ["erasing", "erased"])
def test_a_customer_who_is_being_erased_cannot_be_let_in(ask: Ask, phone: Phone, status: str) -> None:
    phone.sign_in()
    with transaction() as session:
        customer_id = session.scalar(text(f"UPDATE auth.customer SET status = '{status}' RETURNING id"))

    answer = ask("PUT", f"/customers/{customer_id}/status", {"status": "active"})

    assert (answer.status_code, answer.json["code"]) == (409, "status_final")
