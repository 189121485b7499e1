"""What the ingest door takes, skips, names and refuses."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core import clock, db
from tests.connect.conftest import WRITE_KEY
from tests.connect.people import NOW, logged
from tests.insights.log import a_customer

AUTH = (WRITE_KEY, "")


def post(ingest: FlaskClient, *calls: Any, path: str = "/v1/batch", **more: Any) -> TestResponse:
    return ingest.post(path, json={"batch": list(calls), **more}, auth=AUTH)


def track(event: str = "Tried", **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "anonymousId": "a-1", **more}


def test_a_batch_is_in_the_log_when_the_answer_comes(ingest: FlaskClient) -> None:
    answer = post(ingest, track("One"), track("Two"))

    assert (answer.status_code, answer.json) == (200, {"success": True})
    assert [event["payload"]["event"] for event in logged()] == ["One", "Two"]
    assert {event["source"] for event in logged()} == {"web"}


@pytest.mark.parametrize("type_", ["track", "identify", "page", "screen", "group", "alias"])
def test_each_type_has_an_address_of_its_own(ingest: FlaskClient, type_: str) -> None:
    body = {"userId": "u", "event": "Tried", "groupId": "g", "previousId": "p", "messageId": "m"}

    answer = ingest.post(f"/v1/{type_}", json=body, auth=AUTH)

    assert answer.status_code == 200
    assert [event["name"] for event in logged()] == [f"outside.{type_}"]


def test_a_customers_id_is_theirs_however_it_is_spelled(ingest: FlaskClient) -> None:
    """iOS writes a UUID in upper case, our own answers do not, and one batch may hold both."""
    customer_id = a_customer()
    spellings = str(customer_id), str(customer_id).upper()

    post(ingest, *[track(userId=user_id) for user_id in spellings])

    assert [event["customer_id"] for event in logged()] == [customer_id] * 2


def test_import_is_a_batch(ingest: FlaskClient) -> None:
    assert post(ingest, track(), path="/v1/import").json == {"success": True}
    assert len(logged()) == 1


def test_write_key_may_stand_in_the_body(ingest: FlaskClient) -> None:
    answer = ingest.post("/v1/batch", json={"batch": [track()], "writeKey": "key-of-the-tills"})

    assert answer.status_code == 200
    assert logged()[0]["source"] == "till"


@pytest.mark.parametrize("body", [{"batch": []}, {"batch": [], "writeKey": "wrong"}, {"batch": [], "writeKey": 7}])
def test_without_a_known_write_key_it_is_401(ingest: FlaskClient, body: dict[str, Any]) -> None:
    answer = ingest.post("/v1/batch", json=body)

    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert answer.json is not None and answer.json["code"] == "write_key_unknown"


def test_gzip_is_unpacked(ingest: FlaskClient) -> None:
    packed = gzip.compress(json.dumps({"batch": [track("Packed")]}).encode())

    answer = ingest.post("/v1/batch", data=packed, auth=AUTH, headers={"Content-Encoding": "gzip"})

    assert answer.status_code == 200
    assert logged()[0]["payload"]["event"] == "Packed"


def test_message_that_came_in_before_is_skipped(ingest: FlaskClient) -> None:
    post(ingest, track("One", messageId="m-1"), track("Two", messageId="m-2"))

    again = post(
        ingest, track("One", messageId="m-1"), track("Three", messageId="m-3"), track("Three", messageId="m-3")
    )

    assert again.json == {"success": True}
    assert [event["payload"]["event"] for event in logged()] == ["One", "Two", "Three"]


def test_another_source_may_use_the_same_message_id(ingest: FlaskClient) -> None:
    post(ingest, track(messageId="m-1"))

    ingest.post("/v1/batch", json={"batch": [track(messageId="m-1")]}, auth=("key-of-the-tills", ""))

    assert [event["source"] for event in logged()] == ["web", "till"]


def test_one_batch_posted_by_eight_at_once_is_logged_once(ingest_app: Flask) -> None:
    calls = [track(f"E{n}", messageId=f"m-{n}") for n in range(20)]

    def send(turn: int) -> int:
        mixed = calls if turn % 2 else calls[::-1]
        return post(ingest_app.test_client(), *mixed).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(send, range(8)))

    assert statuses == [200] * 8
    assert sorted(event["payload"]["event"] for event in logged()) == sorted(call["event"] for call in calls)


@pytest.mark.parametrize(
    ("bad", "pointer"),
    [
        ("not an object", ""),
        ({"type": "track", "anonymousId": "a"}, "/event"),
        ({"type": "track", "anonymousId": "a", "event": "  "}, "/event"),
        ({"type": "track", "anonymousId": "a", "event": "x" * 256}, "/event"),
        ({"type": "dance", "anonymousId": "a"}, "/type"),
        ({"type": ["track"], "anonymousId": "a"}, "/type"),
        ({"type": "track", "event": "Tried"}, "/userId"),
        ({"type": "track", "event": "Tried", "userId": {"id": 1}}, "/userId"),
        ({"type": "track", "event": "Tried", "userId": "u" * 513}, "/userId"),
        ({"type": "track", "event": "Tried", "anonymousId": "a", "properties": [1]}, "/properties"),
        ({"type": "alias", "userId": "u"}, "/previousId"),
        ({"type": "group", "userId": "u"}, "/groupId"),
        ({"type": "track", "event": "Tried", "anonymousId": "a", "properties": {"p": "x" * 32_768}}, ""),
        ({"type": "track", "event": "Tried", "anonymousId": "a", "messageId": 5}, "/messageId"),
    ],
)
def test_bad_call_is_named_and_the_others_are_taken(ingest: FlaskClient, bad: Any, pointer: str) -> None:
    answer = post(ingest, track("Before"), bad, track("After"))

    assert answer.status_code == 200 and answer.json is not None
    assert answer.json["success"] is True
    assert [(item["index"], item["pointer"]) for item in answer.json["rejected"]] == [(1, pointer)]
    assert [event["payload"]["event"] for event in logged()] == ["Before", "After"]


def test_bad_single_call_is_400(ingest: FlaskClient) -> None:
    answer = ingest.post("/v1/track", json={"userId": "u"}, auth=AUTH)

    assert answer.status_code == 400 and answer.json is not None
    assert answer.json["errors"][0]["pointer"] == "/event"


def test_32_kilobytes_are_the_most_that_an_event_has(ingest: FlaskClient) -> None:
    empty = len(json.dumps(track(properties={"p": ""}), separators=(",", ":")))

    fits = post(ingest, track(properties={"p": "x" * (32 * 1024 - empty)}))
    spills = post(ingest, track(properties={"p": "x" * (32 * 1024 - empty + 1)}))

    assert fits.json == {"success": True}
    assert spills.json is not None and len(spills.json["rejected"]) == 1


def test_500_calls_are_the_most_that_a_batch_has(ingest: FlaskClient) -> None:
    assert post(ingest, *[track()] * 500).status_code == 200
    assert post(ingest, *[track()] * 501).status_code == 413
    assert len(logged()) == 500


def test_500_kilobytes_are_the_most_that_a_body_has_packed_or_not(ingest: FlaskClient) -> None:
    body = json.dumps({"batch": [], "filler": "x" * 512_000}).encode()
    bomb = gzip.compress(b"[" * 50_000_000)

    plain = ingest.post("/v1/batch", data=body, auth=AUTH)
    packed = ingest.post("/v1/batch", data=bomb, auth=AUTH, headers={"Content-Encoding": "gzip"})

    assert (plain.status_code, packed.status_code) == (413, 413)


def test_context_of_the_batch_stands_under_each_calls_own(ingest: FlaskClient) -> None:
    post(ingest, track(context={"app": {"version": "2"}}), context={"app": {"version": "1"}, "locale": "en-US"})

    assert logged()[0]["payload"]["context"] == {"app": {"version": "2"}, "locale": "en-US"}


def test_large_context_of_a_batch_is_refused(ingest: FlaskClient) -> None:
    assert post(ingest, track(), context={"filler": "x" * 5_000}).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing of ours",
        b"[]",
        b"null",
        b'{"batch": {}}',
        b'{"batch": null}',
        b"\xff\xfe{}",
        b'{"batch": [' + b"1" * 5_000 + b"]}",
        b"[" * 100_000,
        gzip.compress(b'{"batch": []}', mtime=0)[:-9],
    ],
)
def test_what_is_no_batch_is_400(ingest: FlaskClient, body: bytes) -> None:
    encoding = {"Content-Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}

    answer = ingest.post("/v1/batch", data=body, auth=AUTH, headers=encoding)

    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "written",
    [
        b'"\\u0000"',
        b'"\\ud800"',
        b'{"\\u0000key": ["\\udfff", "fine"]}',
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"123456789012345678901234567890",
        "“naïve” 🛒".join(['"', '"']).encode(),
        b"[" * 20 + b"]" * 20,
    ],
)
def test_odd_values_are_taken_as_far_as_they_can_be_stored(ingest: FlaskClient, written: bytes) -> None:
    body = b'{"batch": [{"type": "track", "event": "Odd", "anonymousId": "a", "properties": {"p": ' + written + b"}}]}"

    answer = ingest.post("/v1/batch", data=body, auth=AUTH, content_type="application/json")

    assert answer.json == {"success": True}
    assert [event["payload"]["event"] for event in logged()] == ["Odd"]


def test_call_nested_too_deep_is_named(ingest: FlaskClient) -> None:
    body = b'{"batch": [{"type": "track", "event": "Deep", "anonymousId": "a", "properties": {"p": %s}}]}'

    answer = ingest.post("/v1/batch", data=body % (b"[" * 500 + b"]" * 500), auth=AUTH)

    assert answer.status_code == 200 and answer.json is not None
    assert answer.json["rejected"][0]["detail"] == "A call is nested at most 32 deep"


def test_wrong_device_clock_is_corrected(ingest: FlaskClient) -> None:
    with clock.simulated(lambda: NOW):
        post(ingest, track(timestamp="2026-11-20T10:00:00Z"), sentAt="2026-11-20T10:05:00+00:00")

    assert logged()[0]["occurred_at"].isoformat() == "2026-11-20T11:55:00+00:00"


@pytest.mark.usefixtures("own_options")
def test_locked_table_is_503_so_that_the_client_sends_again(ingest: FlaskClient) -> None:
    with db.transaction() as session:
        db.connection_of(session).execute("LOCK TABLE core.event_receipt IN ACCESS EXCLUSIVE MODE")
        answer = post(ingest, track(messageId="m-1"))

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert post(ingest, track(messageId="m-1")).status_code == 200
    assert len(logged()) == 1
