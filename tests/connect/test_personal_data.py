"""Personal data never stands in the log in clear: a canary in every field that may hold some."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from core import crypto, db, personal
from tests.connect.conftest import WRITE_KEY
from tests.connect.people import logged, private_of
from tests.insights.log import a_customer

CANARIES = (
    "canary", "42.41.40.39", "2001:db8::ca:1", "212) 555-0142", "2125550143", "14 Birdcage Walk", "51.5", "0.13",
    "birthday-1990", "push-token-7", "never tell anyone that",
)  # fmt: skip

CALL: dict[str, Any] = {
    "type": "identify",
    "messageId": "m-1",
    "traits": {
        "email": "canary@example.com",
        "Phone": "2125550143",
        "first_name": "Canary-First",
        "name": "Canary Person",
        "birthday": "birthday-1990",
        "address": {"street": "14 Birdcage Walk", "country": "GB"},
        "contact": "reach me under canary2@example.org",
        "note": "never tell anyone that I said this to you in the shop",
        "plan": "gold",
        "visits": 3,
    },
    "context": {
        "ip": "42.41.40.39",
        "locale": "en-GB",
        "location": {"latitude": 51.5, "longitude": 0.13},
        "device": {"token": "push-token-7", "id": "canary-device", "manufacturer": "Acme"},
        "page": {"url": "https://shop.example/?mail=canary3%40example.com", "path": "/cart"},
        "traits": {"name": "Canary Person", "tier": 2},
        "list": ["(212) 555-0142", "fine", {"seen from": "2001:db8::ca:1"}],
        "canary4@example.com": 1,
    },
}


def everything_logged() -> str:
    """Every table of the log in clear, as text, so that no column is forgotten."""
    with db.transaction() as session:
        connection = db.connection_of(session)
        tables = ("core.event", "core.event_private", "core.event_receipt", "connect.external_identity")
        return "\n".join(
            str(row[0]) for table in tables for row in connection.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
        )


def test_personal_fields_of_a_customer_are_sealed_and_nothing_of_them_is_logged(ingest: FlaskClient) -> None:
    customer_id = a_customer()

    ingest.post("/v1/batch", json={"batch": [{**CALL, "userId": str(customer_id)}]}, auth=(WRITE_KEY, ""))

    assert [canary for canary in CANARIES if canary.lower() in everything_logged().lower()] == []
    (event,) = logged()
    assert event["payload"]["traits"] == {
        "plan": "gold",
        "visits": 3,
    }
    assert event["payload"]["context"] == {
        "locale": "en-GB",
        "device": {"manufacturer": "Acme"},
        "page": {"path": "/cart"},
        "traits": {"tier": 2},
        "list": [None, "fine", {}],
    }
    sealed = json.loads(private_of(event["id"], customer_id))
    assert sealed["/traits/email"] == "canary@example.com"
    assert sealed["/context/location"] == {"latitude": 51.5, "longitude": 0.13}
    assert sealed["/context/list/0"] == "(212) 555-0142"
    assert sealed["/context/canary4@example.com"] == 1


@pytest.mark.parametrize("who", [{"anonymousId": "canary@example.com"}, {"userId": "canary@example.com"}])
def test_personal_fields_of_somebody_unknown_are_dropped(ingest: FlaskClient, who: dict[str, str]) -> None:
    answer = ingest.post("/v1/batch", json={"batch": [{**CALL, **who}]}, auth=(WRITE_KEY, ""))

    assert answer.json == {"success": True}
    assert [canary for canary in CANARIES if canary.lower() in everything_logged().lower()] == []
    assert logged()[0]["customer_id"] is None


def test_personal_fields_of_an_erased_customer_are_dropped(ingest: FlaskClient) -> None:
    customer_id = a_customer()
    with db.transaction() as session:
        crypto.destroy_data_key(session, customer_id)

    ingest.post("/v1/batch", json={"batch": [{**CALL, "userId": str(customer_id)}]}, auth=(WRITE_KEY, ""))

    assert len(logged()) == 1
    assert [canary for canary in CANARIES if canary.lower() in everything_logged().lower()] == []


@pytest.mark.parametrize("said", ["Wrote canary@example.com", "Called +1 (212) 555-0142"])
def test_name_of_an_event_may_tell_too(ingest: FlaskClient, said: str) -> None:
    ingest.post("/v1/track", json={"userId": "u", "event": said}, auth=(WRITE_KEY, ""))

    assert "event" not in logged()[0]["payload"]


@pytest.mark.parametrize(
    "properties",
    [
        {"name": "Pocket knife", "order_id": "2017-11-01-000123", "price": 12.5, "upc": "0012345678905"},
        {"version": "10.4.2", "at": "2026-11-20T10:00:00Z", "day": "2026-11-20", "time": "10:30:15"},
        {"url": "https://shop.example/p/1?utm_source=mail", "title": "A long title of a page with many words in it"},
        {"id": "018f7c1e-7a0b-7c3d-9e8f-0123456789ab", "empty": "", "none": None, "yes": True},
    ],
)
def test_what_tells_nothing_of_a_person_stays(properties: dict[str, Any]) -> None:
    assert personal.split({"properties": properties}) == ({"properties": properties}, {})


@pytest.mark.parametrize(
    "told",
    [
        {"context": {"device": {"id": "A-1"}}},
        {"properties": {"items": [{"email": "canary@example.com"}]}},
        {"properties": {"note": {"deep": ["fine", "canary@example.com"]}}},
        {"traits": {"name": "Canary"}},
        {"properties": {"traits": {"name": "Canary"}}},
        {"properties": {"email": 7}},
    ],
)
def test_what_tells_is_found_wherever_it_stands_and_told_apart_from_the_rest(told: dict[str, Any]) -> None:
    harmless = {"properties": {"name": "Pocket knife"}} | told
    personal.split(
        {"properties": {"name": "Pocket knife", "items": [1, {"sku": "a"}]}}
    )  # its keys are known from here on

    clear, sealed = personal.split(harmless)

    assert len(sealed) == 1
    assert "anary" not in json.dumps(clear)
    assert "A-1" not in json.dumps(clear)


@pytest.mark.parametrize(
    ("value", "tells"),
    [
        ("a@b.co", True),
        ("a%40b.co", True),
        ("@handle", False),
        ("a@b", False),
        ("call +44 20 7946 0018 now", True),
        ("%2B442079460018", True),
        ("1+1=2", False),
        ("(212) 555-0142", True),
        ("212.555.0142", True),
        ("2026-11-20", False),
        ("2125550142", False),
        ("10.0.0.1", True),
        ("10.0.0.256", False),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("note: this", False),
        ("", False),
    ],
)
def test_value_tells_who_somebody_is(value: str, tells: bool) -> None:
    assert personal.tells(value) is tells
