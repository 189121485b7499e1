"""Everything that every room holds on a customer, in one document, for them alone."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from auth.privacy import exporting
from auth.privacy.models import PersonalExport
from auth.proofs import PHISHING_RESISTANT
from core import clock, ids
from core.db import connection_of, transaction
from tests.auth.privacy.conftest import Account, rows_of, sign_up
from tests.house.matrix.things import customer_with, shop, terminal, things_of


@pytest.fixture
def busy(app: Flask) -> Account:
    """Somebody who has used everything there is."""
    merchant_id, store_id = shop()
    owner = customer_with(app)
    things_of(owner, terminal(app, merchant_id, store_id=store_id))
    with transaction() as session:
        connection_of(session).execute("DELETE FROM auth.personal_export")  # among the things is one of before
    return Account(app, owner.principal.id, acr=PHISHING_RESISTANT)


def gathered(account: Account) -> dict[str, Any]:
    asked = account.ask("POST", "/me/exports")
    assert asked.status_code == 202, asked.json
    exporting.work_off(clock.now())
    file = account.ask("GET", f"/me/exports/{asked.json['id']}/file")
    assert file.status_code == 200, file.json
    assert file.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = json.loads(file.data)
    return found


def test_an_export_tells_what_every_room_holds(busy: Account) -> None:
    with transaction() as session:
        connection_of(session).execute(
            "INSERT INTO insights.trait (customer_id, name, value, at, source, event_id)"
            " VALUES (%s, 'favourite', '\"plums\"', now(), 't', %s)",
            [busy.customer_id, ids.new()],
        )

    rooms = gathered(busy)["rooms"]

    assert rooms["auth"]["customer"][0]["phone"] == "+12025550143"
    assert rooms["auth"]["passkey"][0]["name"] == "Ada's"
    assert {entry["amount"] for entry in rooms["wallet"]["entry"]} >= {500}
    assert rooms["wallet"]["sending"] and rooms["wallet"]["money_request"]
    assert all(len(voucher["code_ciphertext"]) >= 8 for voucher in rooms["rewards"]["voucher"])
    assert rooms["rewards"]["redemption"] and rooms["rewards"]["checkout"]
    assert rooms["insights"]["trait"][0]["value"] == "plums"
    assert "Five off" in rooms["engage"]["inbox_item"][0]["content"]
    assert {message["recipient"] for message in rooms["core"]["message"]} >= {"token"}
    assert any(event["name"] == "customer.signed_up" for event in rooms["core"]["event"])


def test_an_export_tells_nothing_of_anybody_else(app: Flask, busy: Account) -> None:
    other = sign_up(app)

    text = json.dumps(gathered(other))

    assert str(other.customer_id) in text
    assert str(busy.customer_id) not in text
    assert "+12025550143" not in text


def test_an_export_tells_no_more_than_the_app_of_who_has_a_number(app: Flask, account: Account) -> None:
    """Whether a number is anybody's, the asker learns as they are paid."""
    other = sign_up(app, "+12025550192")
    body = {"from": {"phone": "+12025550192"}, "amount": {"amount_minor": 100, "currency": "USD"}}
    assert account.ask("POST", "/money-requests", body).status_code == 201

    asked, was_asked = gathered(account), gathered(other)

    [mine], [theirs] = (found["rooms"]["wallet"]["money_request"] for found in (asked, was_asked))
    assert (mine["requester_id"], mine["payer_id"], mine["phone"]) == (str(account.customer_id), None, "+12025550192")
    assert (theirs["requester_id"], theirs["payer_id"]) == (None, str(other.customer_id))
    assert str(other.customer_id) not in json.dumps(asked)


def test_no_secret_of_ours_stands_in_an_export(busy: Account) -> None:
    with transaction() as session:
        connection = connection_of(session)
        [reference] = connection.execute("SELECT reference FROM auth.customer_code").fetchone() or [""]

    text = json.dumps(gathered(busy))

    for word in ("lease_token", "public_key", "staff:", "fingerprint", reference):
        assert word not in text


def test_another_customer_is_told_of_no_export(app: Flask, account: Account) -> None:
    export_id = account.ask("POST", "/me/exports").json["id"]
    other = sign_up(app, "+12025550192")

    for path in (f"/me/exports/{export_id}", f"/me/exports/{export_id}/file", f"/me/exports/{ids.new()}"):
        assert other.ask("GET", path).status_code == 404


def test_an_export_and_its_file_ask_for_a_fresh_sign_in(account: Account) -> None:
    export_id = account.ask("POST", "/me/exports").json["id"]
    exporting.work_off(clock.now())

    stale = account.stale()

    assert stale.ask("POST", "/me/exports").status_code == 401
    assert stale.ask("GET", f"/me/exports/{export_id}").status_code == 200
    assert stale.ask("GET", f"/me/exports/{export_id}/file").status_code == 401


def test_asking_again_while_one_is_gathered_is_the_same_one(account: Account) -> None:
    first, second = (account.ask("POST", "/me/exports").json for _ in range(2))
    early = account.ask("GET", f"/me/exports/{first['id']}/file")
    exporting.work_off(clock.now())
    third = account.ask("POST", "/me/exports").json

    assert first == second == {**third, "status": "waiting"}
    assert (early.status_code, early.json["code"]) == (409, "export_not_ready")


def test_a_new_one_an_hour_later_takes_the_place_of_the_last(account: Account) -> None:
    first = account.ask("POST", "/me/exports").json["id"]
    exporting.work_off(clock.now())
    at = clock.now() + timedelta(hours=1)

    with clock.simulated(lambda: at + timedelta(seconds=1)):
        assert account.ask("POST", "/me/exports").json["id"] != first
        assert account.ask("GET", f"/me/exports/{first}").status_code == 404


def test_an_export_is_kept_for_a_week(account: Account) -> None:
    export_id = account.ask("POST", "/me/exports").json["id"]
    exporting.work_off(clock.now())
    at = clock.now() + exporting.KEPT_FOR

    with clock.simulated(lambda: at - timedelta(seconds=1)):
        assert account.ask("GET", f"/me/exports/{export_id}").status_code == 200
    with clock.simulated(lambda: at + timedelta(seconds=1)):
        assert account.ask("GET", f"/me/exports/{export_id}").json["code"] == "export_over"
    with transaction() as session:
        assert exporting.forget(session, now=at + timedelta(seconds=1), most=10) == 1
    assert rows_of("SELECT FROM auth.personal_export_part") == []


def test_what_a_dead_worker_had_begun_another_gathers(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    export_id = account.ask("POST", "/me/exports").json["id"]
    with monkeypatch.context() as dying:
        dying.setattr("auth.privacy.exporting._gather", _die)
        with pytest.raises(SystemExit):
            exporting.work_off(clock.now())
    assert exporting.work_off(clock.now()) == 0

    assert exporting.work_off(clock.now() + timedelta(minutes=3)) == 1

    assert account.ask("GET", f"/me/exports/{export_id}").json["status"] == "ready"


def test_who_has_lost_an_export_to_another_worker_leaves_it_alone(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_id = account.ask("POST", "/me/exports").json["id"]
    monkeypatch.setattr("auth.privacy.exporting._PART", 1)
    in_parts = exporting._in_parts

    def slowly(texts: Iterator[str]) -> Iterator[str]:
        monkeypatch.setattr("auth.privacy.exporting._in_parts", in_parts)
        for _ in range(5):  # past the first table, so that what is read is settled
            yield next(texts)
        with transaction() as session:
            values = "(%s, 'favourite', '1', now(), 't', %s)"
            connection_of(session).execute(
                f"INSERT INTO insights.trait (customer_id, name, value, at, source, event_id) VALUES {values}",
                [account.customer_id, ids.new()],
            )
        assert exporting.work_off(clock.now() + timedelta(minutes=3)) == 1
        yield from texts

    monkeypatch.setattr("auth.privacy.exporting._in_parts", slowly)
    exporting.work_off(clock.now())

    found = json.loads(account.ask("GET", f"/me/exports/{export_id}/file").data)
    assert [trait["name"] for trait in found["rooms"]["insights"]["trait"]] == ["favourite"]


def _die(*_: object) -> None:
    raise SystemExit


def test_parts_are_sealed_and_small(busy: Account) -> None:
    gathered(busy)

    [(export_id, count, longest)] = rows_of(
        "SELECT export_id, count(*), max(length(content)) FROM auth.personal_export_part GROUP BY 1"
    )
    with transaction() as session:
        assert session.get_one(PersonalExport, export_id).parts == count
    assert longest < 256 * 1024
    assert rows_of("SELECT FROM auth.personal_export_part WHERE content LIKE %s", b"%12025550143%") == []
