"""Canaries in every input: whatever the documents know that callers may say, none of it stands in a line of the log."""

import logging

import pytest
from flask import Flask

from tests.house.declared.principals import OWNED
from tests.house.matrix import kinds
from tests.house.matrix.expected import DECLARED
from tests.house.matrix.test_matrix import LAST, PARTS, PERMISSIONS, served, write_key
from tests.house.matrix.things import customer_with, shop, terminal, things_of
from tests.stories.hostile import requests_of
from tests.stories.test_hostile_input import ASKERS, send

#: An address, a number, a code and a name: each would be found in a line as it is.
CANARIES = ("canaria.input@example.org", "+12025550166", "593817", "Canaria Inputsdottir")


@pytest.mark.parametrize("part", PARTS)
def test_nothing_that_callers_say_is_told_in_the_log(app: Flask, part: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door, _, half = part.partition(", ")
    operations = sorted(served(app, door) - LAST)
    if door == "admin":
        operations = operations[1::2] if half else operations[::2]
    merchant_id, store_id = shop()
    owner, till = customer_with(app), terminal(app, merchant_id, store_id=store_id)
    things = things_of(owner, till) if OWNED in DECLARED[door].values() else {}
    callers = kinds.of(owner.principal, till.principal, write_key(), app)
    client = app.test_client(use_cookies=False)
    document = client.get(f"/openapi/{door}.json").json
    assert document

    told, asked, heard = set(), 0, 0
    for operation in operations:
        headers = dict(callers.headers_of(ASKERS.get(door, "nobody"), DECLARED[door].get(operation, ""), PERMISSIONS))
        caplog.clear()
        for spoilt in requests_of(document, operation, values=CANARIES, is_raw=False):
            asked += 1
            send(client, spoilt, headers | {"User-Agent": CANARIES[3], "X-Request-Id": CANARIES[0]}, things)
        heard += len(caplog.records)
        lines = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
        told |= {(operation, canary) for canary in CANARIES if canary in lines}

    assert told == set()
    assert heard >= asked > len(operations)  # a search that finds nothing has searched
