"""Money between people at the app's door, and the pages behind its links."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from auth import merchants, tokens
from core import clock, crypto, ids
from core.db import connection_of, transaction
from core.delivery import messages
from core.delivery.models import Message
from core.web.principals import Principal
from tests.wallet.peers.conftest import ANNA, BEN, NOBODYS, check_books, customer, set_limits, settle
from wallet import limits

MONEY = {"amount_minor": 1000, "currency": "USD"}


class Phone:
    """A customer's app, with a token in its hand."""

    def __init__(self, app: Flask, customer_id: UUID) -> None:
        self.client, self.id = app.test_client(), customer_id
        principal = Principal("customer", customer_id)
        token = tokens.mint(
            principal, audience=tokens.APP, client_id="test", now=clock.now(), ttl=timedelta(hours=1)
        )  # fmt: skip
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> TestResponse:
        headers = {**self.headers, "Idempotency-Key": key or str(ids.new())}
        return self.client.open("/app/v1" + path, method=method, json=body, headers=headers)

    def send(self, to: Any, key: str = "", **more: Any) -> TestResponse:
        return self.ask("POST", "/sendings", {"to": to, "amount": MONEY, **more}, key)


@pytest.fixture
def anna(app: Flask) -> Phone:
    with transaction() as session:
        limits.ensure_defaults(session, now=clock.now())
    return Phone(app, customer(ANNA, 10_000, now=clock.now()))


@pytest.fixture
def ben(app: Flask) -> Phone:
    return Phone(app, customer(BEN, now=clock.now()))


def codes_of(*answers: TestResponse) -> list[tuple[int, str]]:
    return [(answer.status_code, (answer.json or {}).get("code", "")) for answer in answers]


def texts() -> list[tuple[str, str, str]]:
    """Recipient, body and where it stands of each text to a number that is nobody's."""
    with transaction() as session:
        waiting = session.scalars(select(Message).where(Message.purpose == "invitation").order_by(Message.id)).all()
        opened = []
        for message in waiting:
            recipient, content = messages.open_sealed(session, message)
            opened.append((recipient, content["body"], message.state))
        return opened


def test_receiver_sees_who_sent_what_and_no_number(anna: Phone, ben: Phone) -> None:
    sent = anna.send({"phone": "+1 212 555-0143"}, note="Pizza").json or {}
    [got] = (ben.ask("GET", "/sendings?direction=in").json or {})["items"]

    assert (sent["status"], sent["direction"], sent["phone"], sent["name"]) == ("completed", "out", BEN, "+1 ••• 0143")
    assert got | {"link": None} == sent | {"direction": "in", "phone": None, "name": "+1 ••• 0142"}
    assert ben.ask("GET", f"/sendings/{sent['id']}").json == got


def test_pending_money_tells_nothing_of_who_has_the_number(anna: Phone, ben: Phone) -> None:
    set_limits("load", {"ceiling": 1})

    full, nobodys = anna.send({"phone": BEN}).json or {}, anna.send({"phone": NOBODYS}).json or {}

    differing = {key for key in full if full[key] != nobodys[key]}
    assert differing <= {"id", "phone", "created_at", "expires_at"}
    assert (full["status"], full["name"]) == ("pending", None)


def test_a_retry_is_given_the_same_link_which_stands_nowhere(anna: Phone) -> None:
    first, again = anna.send({"link": True}, key="k"), anna.send({"link": True}, key="k")

    assert first.json == again.json
    assert first.json is not None
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.headers["Cache-Control"] == "no-store"
    code = first.json["link"]["code"]
    assert first.json["link"]["url"].endswith(f"/c/s/{code}")
    assert "link" not in (anna.ask("GET", f"/sendings/{first.json['id']}").json or {})
    with transaction() as session:
        kept = " ".join(session.scalars(text("SELECT body::text FROM core.idempotency")))
    assert code not in kept
    assert NOBODYS not in kept
    assert codes_of(anna.send({"link": True}, key="k", note="Other")) == [(422, "idempotency_key_reused")]


def test_a_link_is_claimed_in_the_app(anna: Phone, ben: Phone) -> None:
    link = (anna.send({"link": True}).json or {})["link"]
    body = {"code": link["code"]}

    claimed = ben.ask("POST", "/sendings/claims", body, key="c")
    again = ben.ask("POST", "/sendings/claims", body, key="c")

    assert claimed.status_code == 201
    assert claimed.json is not None
    assert again.json == claimed.json
    assert (claimed.json["status"], claimed.json["name"]) == ("completed", "+1 ••• 0142")
    assert codes_of(
        anna.ask("POST", "/sendings/claims", body), ben.ask("POST", "/sendings/claims", {"code": "0" * 64})
    ) == [(422, "self_transfer"), (404, "link_unknown")]
    check_books()


def test_a_number_without_account_is_texted_and_its_owner_gets_the_money(app: Flask, anna: Phone) -> None:
    sent = anna.send({"phone": NOBODYS}).json or {}
    [(recipient, body, state)] = texts()

    assert (recipient, state) == (NOBODYS, "pending")
    assert body.startswith("+1 ••• 0142 sent you $10.00 with ")
    assert body.endswith("/c/s")
    assert ANNA not in body

    newcomer = Phone(app, customer(NOBODYS, now=clock.now()))
    settle(now=clock.now())
    assert (newcomer.ask("GET", f"/sendings/{sent['id']}").json or {})["status"] == "completed"
    [cash] = (newcomer.ask("GET", "/wallet").json or {})["items"]
    assert cash["available"] == MONEY
    with transaction() as session, pytest.raises(crypto.Erased):
        messages.open_sealed(session, session.scalars(select(Message)).one())


def test_a_text_is_taken_back_with_its_money(anna: Phone) -> None:
    sent = anna.send({"phone": NOBODYS}).json or {}

    taken = anna.ask("PUT", f"/sendings/{sent['id']}/status", {"status": "cancelled"})

    assert (taken.status_code, (taken.json or {})["status"]) == (200, "cancelled")
    with transaction() as session:
        [message] = session.scalars(select(Message))
        assert message.state == "suppressed"
        told = connection_of(session).execute(
            "SELECT customer_id, payload->>'reason' FROM core.event WHERE name = 'message.suppressed'"
        )
        assert told.fetchall() == [(None, "sending_over")]
        with pytest.raises(crypto.Erased):
            messages.open_sealed(session, message)


def test_a_number_is_texted_three_times_a_day_and_money_waits_all_the_same(anna: Phone) -> None:
    sent = [anna.send({"phone": NOBODYS}) for _ in range(4)]

    assert [answer.status_code for answer in sent] == [201] * 4
    assert len(texts()) == 3


def test_what_is_written_badly_is_named(anna: Phone) -> None:
    bad: list[dict[str, Any]] = [
        {"to": {}}, {"to": {"phone": BEN, "link": True}}, {"to": {"link": False}}, {"to": {"link": "yes"}},
        {"amount": {"amount_minor": 0, "currency": "USD"}}, {"amount": {"amount_minor": -1, "currency": "USD"}},
        {"amount": {"amount_minor": 1.5, "currency": "USD"}}, {"amount": {"amount_minor": "1", "currency": "USD"}},
        {"amount": {"amount_minor": 2**53, "currency": "USD"}}, {"note": ""}, {"note": "x" * 141},
        {"expires_in_seconds": 3599}, {"expires_in_seconds": 30 * 86_400 + 1}, {"expires_in_seconds": "3600"},
        {"customer_id": str(ids.new())},
    ]  # fmt: skip
    good = {"to": {"link": True}, "amount": MONEY}

    assert codes_of(*[anna.ask("POST", "/sendings", good | each) for each in bad]) == [(422, "invalid_input")] * len(
        bad
    )
    for fine in ({"expires_in_seconds": 3600}, {"expires_in_seconds": 30 * 86_400}, {"note": "x" * 140}):
        assert anna.ask("POST", "/sendings", good | fine).status_code == 201
    assert codes_of(
        anna.send({"phone": "12"}), anna.send({"phone": ANNA}),
        anna.send({"link": True}, amount={"amount_minor": 1, "currency": "EUR"}),
        anna.client.post("/app/v1/sendings", json=good, headers=anna.headers),
        anna.ask("GET", "/sendings?cursor=nonsense"), anna.ask("GET", "/sendings?direction=up"),
    ) == [
        (422, "phone_invalid"), (422, "self_transfer"), (422, "currency_unknown"), (400, "idempotency_key_missing"),
        (422, "cursor_invalid"), (422, "invalid_input"),
    ]  # fmt: skip


def test_a_refusal_is_frozen_under_its_key(anna: Phone, ben: Phone) -> None:
    body = {"to": {"phone": ANNA}, "amount": MONEY}
    refused = ben.ask("POST", "/sendings", body, key="k")
    assert codes_of(refused) == [(422, "insufficient_funds")]
    anna.send({"phone": BEN})

    again = ben.ask("POST", "/sendings", body, key="k")

    assert codes_of(again) == [(422, "insufficient_funds")]
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_key_names_one_deed_whether_money_goes_to_people_or_to_merchants(anna: Phone) -> None:
    with transaction() as session:
        merchant_id = merchants.add_merchant(session, name="Corner Coffee", now=clock.now()).id
    payment = {"merchant_id": str(merchant_id), "amount": MONEY}

    assert codes_of(anna.send({"link": True}, key="sent"), anna.ask("POST", "/payments", payment, "sent")) == [
        (201, ""), (422, "idempotency_key_reused"),
    ]  # fmt: skip
    assert codes_of(anna.ask("POST", "/payments", payment, "paid"), anna.send({"link": True}, key="paid")) == [
        (201, ""), (422, "idempotency_key_reused"),
    ]  # fmt: skip


def test_lists_come_in_pages(anna: Phone, ben: Phone) -> None:
    sent = [(anna.send({"phone": BEN}).json or {})["id"] for _ in range(3)]

    first = anna.ask("GET", "/sendings?limit=2&direction=out").json or {}
    second = anna.ask("GET", f"/sendings?limit=2&direction=out&cursor={first['next_cursor']}").json or {}

    assert [one["id"] for one in first["items"] + second["items"]] == sent[::-1]
    assert second["next_cursor"] is None
    assert (anna.ask("GET", "/sendings?direction=in").json or {})["items"] == []


def test_money_is_asked_for_and_paid_in_the_app(anna: Phone, ben: Phone) -> None:
    asked = ben.ask("POST", "/money-requests", {"from": {"phone": ANNA}, "amount": MONEY, "note": "Pizza"}).json or {}
    [seen] = (anna.ask("GET", "/money-requests?direction=in").json or {})["items"]
    assert (seen["id"], seen["name"], seen["note"], seen["phone"]) == (asked["id"], "+1 ••• 0143", "Pizza", None)
    assert (asked["phone"], asked["name"], asked["status"]) == (ANNA, None, "open")

    paid = anna.ask("POST", f"/money-requests/{asked['id']}/payments", {}, key="p")
    again = anna.ask("POST", f"/money-requests/{asked['id']}/payments", {}, key="p")

    assert (paid.status_code, paid.json) == (201, again.json)
    assert paid.json is not None
    assert (paid.json["status"], paid.json["money_request_id"]) == ("completed", asked["id"])
    assert (ben.ask("GET", f"/money-requests/{asked['id']}").json or {})["status"] == "paid"
    assert codes_of(anna.ask("POST", f"/money-requests/{asked['id']}/payments", {})) == [(409, "money_request_ended")]


def test_a_request_by_link_is_looked_up_and_paid_with_its_code(anna: Phone, ben: Phone) -> None:
    asked = ben.ask("POST", "/money-requests", {"from": {"link": True}, "amount": MONEY}).json or {}
    code = asked["link"]["code"]

    seen = anna.ask("POST", "/money-requests/look-ups", {"code": code})
    assert (seen.status_code, (seen.json or {})["name"]) == (200, "+1 ••• 0143")
    path = f"/money-requests/{asked['id']}/payments"
    assert codes_of(anna.ask("POST", path, {}), anna.ask("POST", path, {"code": code})) == [
        (404, "not_found"), (201, ""),
    ]  # fmt: skip


def test_requests_are_declined_by_one_side_and_cancelled_by_the_other(anna: Phone, ben: Phone) -> None:
    asked = ben.ask("POST", "/money-requests", {"from": {"phone": ANNA}, "amount": MONEY}).json or {}
    path = f"/money-requests/{asked['id']}/status"

    assert codes_of(
        ben.ask("PUT", path, {"status": "declined"}), anna.ask("PUT", path, {"status": "cancelled"}),
        anna.ask("PUT", path, {"status": "paid"}),
    ) == [(403, "forbidden"), (403, "forbidden"), (422, "invalid_input")]  # fmt: skip
    declined = anna.ask("PUT", path, {"status": "declined"})
    assert (declined.status_code, (declined.json or {})["status"]) == (200, "declined")


def test_names_and_notes_of_the_erased_are_gone(anna: Phone, ben: Phone) -> None:
    sent = anna.send({"phone": BEN}, note="Pizza").json or {}
    with transaction() as session:
        crypto.destroy_data_key(session, anna.id)

    got = ben.ask("GET", f"/sendings/{sent['id']}").json or {}

    assert (got["name"], got["note"], got["amount"]) == (None, None, MONEY)
    assert codes_of(anna.send({"phone": BEN})) == [(404, "erased")]


def test_pages_behind_links_look_nothing_up(app: Flask, anna: Phone) -> None:
    client = app.test_client()
    code = (anna.send({"link": True}).json or {})["link"]["code"]

    pages = [client.get(f"/c/s/{known}") for known in (code, "0" * 64)]

    assert pages[0].status_code == 200
    assert pages[0].text == pages[1].text
    assert pages[0].headers["Referrer-Policy"] == "no-referrer"
    assert [client.get(path).status_code for path in ("/c/s", f"/c/r/{code}", "/c/s/short", "/c/r/x")] == [
        200, 200, 404, 404,
    ]  # fmt: skip
