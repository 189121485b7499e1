"""Whatever is sent to whichever operation, by whoever may ask for it: an answer in the house's words, never a fault.

A seeded sample of the requests runs in the suite; HOSTILE=all sends them all (some 100,000, a quarter of an hour).
"""

import json
import logging
import os
import random
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core import ids
from tests.house.declared.principals import OWNED
from tests.house.matrix import kinds
from tests.house.matrix.expected import DECLARED
from tests.house.matrix.test_matrix import LAST, PARTS, PERMISSIONS, served, write_key
from tests.house.matrix.things import NOBODYS, customer_with, named, names_in, shop, terminal, things_of
from tests.stories.hostile import Hostile, requests_of

SEED = 20_261_122
#: Of each operation in the suite; there are up to some hundreds.
SAMPLE = 8

ASKERS = {"app": "customer", "admin": "staff", "merchant": "till", "ingest": "source_key"}


@pytest.mark.parametrize("part", PARTS)
def test_no_input_is_answered_with_a_fault(app: Flask, part: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)  # a fault's trace is told below
    door, _, half = part.partition(", ")
    operations = sorted(served(app, door) - LAST)
    if door == "admin":
        operations = operations[1::2] if half else operations[::2]
    merchant_id, store_id = shop()
    owner, till = customer_with(app), terminal(app, merchant_id, store_id=store_id)
    things = things_of(owner, till) if OWNED in DECLARED[door].values() else {}
    callers = kinds.of(owner.principal, till.principal, write_key(), app)
    client = app.test_client(use_cookies=False)
    document: Any = client.get(f"/openapi/{door}.json").json

    faults = []
    for operation in operations:
        headers = callers.headers_of(ASKERS.get(door, "nobody"), DECLARED[door].get(operation, ""), PERMISSIONS)
        for hostile in _sampled(list(requests_of(document, operation))):
            answer = send(client, hostile, dict(headers), things)
            fault = _fault_of(answer)
            if fault:
                faults.append(f"{hostile.operation} with {hostile.what}: {fault}")

    assert not faults, "\n".join(faults[:40])


def _sampled(found: list[Hostile]) -> list[Hostile]:
    if os.environ.get("HOSTILE") == "all" or len(found) <= SAMPLE:
        return found
    return random.Random(f"{SEED}{found[0].operation}").sample(found, SAMPLE)


def send(client: FlaskClient, hostile: Hostile, headers: dict[str, str], things: dict[str, object]) -> TestResponse:
    method, path = hostile.operation.split(" ")
    known = named(hostile.operation, things) if things else {}
    for name in names_in(path):
        value = hostile.path.get(name, str(known.get(name, NOBODYS)))
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    more: dict[str, Any] = {"headers": headers | {"Idempotency-Key": str(ids.new())}, "query_string": hostile.query}
    if hostile.form is not None:
        return client.open(path, method=method, data=hostile.form, **more)
    if hostile.raw is not None:
        return client.open(path, method=method, data=hostile.raw, content_type="application/json", **more)
    if hostile.body is None and method == "GET":
        return client.open(path, method=method, **more)
    return client.open(path, method=method, data=json.dumps(hostile.body), content_type="application/json", **more)


def _fault_of(answer: TestResponse) -> str | None:
    """What is wrong with an answer; None where nothing is."""
    if answer.status_code >= 500:
        return f"{answer.status_code} {answer.get_data(as_text=True)[:200]}"
    if answer.status_code < 400 or answer.mimetype == "text/html":
        return None
    told = answer.get_json(silent=True)
    if not isinstance(told, dict):
        return f"{answer.status_code} in no words of ours: {answer.get_data(as_text=True)[:80]}"
    if answer.mimetype != "application/problem+json":
        return None if "error" in told else f"{answer.status_code} {answer.mimetype} without an error"
    if told.get("code") == "invalid_input" and not told.get("errors"):
        return f"{answer.status_code} that names no field: {told}"
    return None
