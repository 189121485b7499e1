"""Nothing that a client sends makes a 500."""

import gzip
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connect.events import BY_TYPE
from tests.connect.conftest import WRITE_KEY

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    *("event", "anonymousId", "previousId", "groupId", "messageId", "timestamp", "sentAt"),
    *("originalTimestamp", "traits", "properties", "context", "name", "category"),
)
TYPES = st.sampled_from(["track", "identify", "page", "screen", "group", "alias"])
CALLS = VALUES | st.fixed_dictionaries(
    {"type": TYPES, "userId": st.text(min_size=1)}, optional=dict.fromkeys(KEYS, VALUES)
)
BODIES = st.fixed_dictionaries(
    {"batch": st.lists(CALLS, max_size=4)}, optional={"sentAt": VALUES, "context": VALUES, "writeKey": VALUES}
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
def test_any_batch_is_answered_and_what_is_bad_in_it_named(ingest: FlaskClient, body: dict[str, Any]) -> None:
    answer = ingest.post("/v1/batch", json=body, auth=(WRITE_KEY, ""))

    assert answer.status_code == 200 and answer.json is not None
    assert answer.json["success"] is True


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), encoding=st.sampled_from(["", "gzip", "br", "\u00e9"]))
def test_any_bytes_are_a_400(ingest: FlaskClient, data: bytes, encoding: str) -> None:
    answer = ingest.post("/v1/batch", data=data, headers={"Content-Encoding": encoding}, auth=(WRITE_KEY, ""))

    assert answer.status_code == 400


def test_the_house_itself_takes_packed_bodies_and_text_that_cannot_be_stored(app: Flask) -> None:
    body = b'{"batch": [{"type": "track", "event": "Odd \\u0000", "anonymousId": "a"}]}'
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    answer = app.test_client().post(
        "/v1/batch", data=gzip.compress(body), headers=headers, auth=("development-write-key", "")
    )

    assert answer.json == {"success": True}


def test_document_of_the_door_says_how_a_write_key_is_sent(app: Flask) -> None:
    document = app.test_client().get("/openapi/ingest.json").json

    assert document is not None
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "basic"
    assert set(document["paths"]) >= {f"/v1/{type_}" for type_ in (*BY_TYPE, "batch", "import")}
