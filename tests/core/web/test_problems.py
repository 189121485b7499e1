"""Whatever a client sends is answered with a problem that says what to do, and never with a 500."""

import gzip
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

AS_CUSTOMER = {"Authorization": "Bearer customer", "Idempotency-Key": "one"}
GOOD = {"price": {"amount_minor": 100, "currency": "USD"}, "quantity": 1}


def send(
    till: FlaskClient, body: bytes | str, *, path: str = "/app/orders", kind: str = "application/json"
) -> TestResponse:
    return till.post(path, data=body, content_type=kind, headers=AS_CUSTOMER)


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = answer.json
    assert answer.text.strip() == json.dumps(body, separators=(",", ":"))
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert {"type", "title", "detail", "retryable"} <= set(body)
    return body


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"quantity": "1"}, ["/quantity"]),
        ({"quantity": 1.5}, ["/quantity"]),
        ({"quantity": True}, ["/quantity"]),
        ({"quantity": None}, ["/quantity"]),
        ({"quantity": 10**4000}, ["/quantity"]),
        ({"price": {"amount_minor": 2**53, "currency": "USD"}}, ["/price/amount_minor"]),
        ({"price": {"amount_minor": 0, "currency": "usd"}}, ["/price/amount_minor", "/price/currency"]),
        ({"price": []}, ["/price"]),
        ({"a/b~c": 1}, ["/a~1b~0c"]),
    ],
)
def test_each_bad_field_is_pointed_at(till: FlaskClient, change: dict[str, Any], pointers: list[str]) -> None:
    body = problem(send(till, json.dumps(GOOD | change)), 422, "invalid_input")

    assert sorted(error["pointer"] for error in body["errors"]) == pointers
    assert all(error["detail"] for error in body["errors"])


@pytest.mark.parametrize("body", ["[]", '"text"', "1", "null", "true"])
def test_a_body_that_is_no_object_is_invalid_as_a_whole(till: FlaskClient, body: str) -> None:
    errors = problem(send(till, body), 422, "invalid_input")["errors"]

    assert {error["pointer"] for error in errors} <= {"", "/price", "/quantity"}


UNREADABLE = {
    "broken": b'{"quantity": ',
    "not utf-8": b'{"note": "\xff"}',
    "utf-16": json.dumps(GOOD).encode("utf-16"),
    "NUL": b'{"note": "a\\u0000b"}',
    "a raw NUL": b'{"note": "a\0b"}',
    "half a pair": b'{"note": "\\ud83d"}',
    "half a pair, raw": b'{"note": "\xed\xa0\xbd"}',
    "NaN": b'{"context": {"a": NaN}}',
    "infinity": b'{"context": {"a": -Infinity}}',
    "a number past every float": b'{"context": {"a": 1e999}}',
    "a long number past every float": b'{"context": [-' + b"9" * 290 + b"e+99]}",
    "more digits than are read": b'{"quantity": ' + b"1" * 5000 + b"}",
    "deep": b'{"context": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
    "deep lists": b"[" * 100_000,
    "fairly deep": b'{"context": ' + b"[" * 200 + b"]" * 200 + b"}",
}


@pytest.mark.parametrize("path", ["/app/orders", "/app/raw"])
@pytest.mark.parametrize("name", UNREADABLE)
def test_a_body_that_cannot_be_read_or_kept_is_malformed(till: FlaskClient, name: str, path: str) -> None:
    problem(send(till, UNREADABLE[name], path=path), 400, "malformed")


def test_an_empty_body_lacks_every_field(till: FlaskClient) -> None:
    errors = problem(send(till, b""), 422, "invalid_input")["errors"]

    assert {error["pointer"] for error in errors} == {"/price", "/quantity"}


@pytest.mark.parametrize("note", ["a\\u0000b", "\\ud83d", "NaN", "😀", "[[[[" * 20, "1e999"])
def test_text_that_only_looks_suspect_is_kept(till: FlaskClient, note: str) -> None:
    answer = send(till, json.dumps({"note": note}), path="/app/raw")

    assert (answer.status_code, answer.json) == (200, {"got": {"note": note}})


def test_a_body_of_another_kind_is_refused(till: FlaskClient) -> None:
    body = problem(send(till, json.dumps(GOOD), kind="text/plain"), 415, "unsupported_media_type")

    assert "application/json" in body["detail"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('{"quantity": 1, "quantity": 1}', "quantity"),
        ('{"price": {"amount_minor": 1, "currency": "USD", "amount_minor": 2}}', "amount_minor"),
        ('{"context": [{"a": 1, "b": 2, "b": 3}]}', "b"),
        ('{"note": "", "no\\u0074e": ""}', "note"),
    ],
)
def test_a_body_that_names_a_member_twice_is_refused(till: FlaskClient, body: str, named: str) -> None:
    assert problem(send(till, body), 400, "malformed")["detail"] == f"The body names {named!r} twice"


def test_a_body_that_is_too_large_is_refused(till: FlaskClient) -> None:
    problem(send(till, b'"' + b"x" * 1_000_001 + b'"'), 413, "payload_too_large")


def test_unknown_paths_and_methods(till: FlaskClient) -> None:
    problem(till.get("/nowhere"), 404, "not_found")
    answer = till.delete("/app/orders", headers=AS_CUSTOMER)
    problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/app/me?cursor=%00", "/app/me%00"])
def test_a_nul_in_the_address_is_malformed(till: FlaskClient, path: str) -> None:
    problem(till.get(path, headers=AS_CUSTOMER), 400, "malformed")


def test_busy_says_when_to_come_back(till: FlaskClient) -> None:
    answer = till.get("/app/busy", headers=AS_CUSTOMER)

    assert problem(answer, 503, "busy")["retryable"] is True
    assert answer.headers["Retry-After"] == "1"


def test_our_own_fault_tells_nothing_of_itself(till: FlaskClient) -> None:
    body = problem(till.get("/app/broken", headers=AS_CUSTOMER), 500, "internal_error")

    assert "2125550142" not in json.dumps(body)
    assert body["request_id"]


def test_an_answer_that_is_known_already_is_not_sent_again(till: FlaskClient) -> None:
    first = till.get("/app/me", headers=AS_CUSTOMER)
    again = till.get("/app/me", headers=AS_CUSTOMER | {"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    changed = till.get("/app/me", headers={"Authorization": "Bearer clerk", "If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_a_compressed_answer_has_a_lasting_etag_too(till: FlaskClient) -> None:
    compressed = AS_CUSTOMER | {"Accept-Encoding": "gzip"}
    first = till.get("/app/me", headers=compressed)
    assert first.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in first.headers["Vary"]
    assert json.loads(gzip.decompress(first.data))["id"] == 1

    again = till.get("/app/me", headers=compressed | {"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["ETag"] != till.get("/app/me", headers=AS_CUSTOMER).headers["ETag"]
