"""Every operation of the running application, asked by every kind of principal."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connect import write_keys
from core import clock, ids
from core.db import transaction
from tests.house.declared.principals import OWNED
from tests.house.matrix import kinds
from tests.house.matrix.expected import (
    ANSWERED,
    DECLARED,
    FORBIDDEN,
    KEPT_OUT,
    LET_IN,
    MISSING,
    REFUSED,
    row_of,
)
from tests.house.matrix.kinds import KINDS, Callers
from tests.house.matrix.things import NOBODYS, body, customer_with, named, names_in, shop, terminal, things_of

#: The staff door has the most operations by far: a process each for its halves.
PARTS = ["app", "admin", "admin, second half", "merchant", "ingest", "sign-in", "public"]

#: Whoever has done it can ask for nothing more.
LAST = {"POST /app/v1/me/erasure"}

PERMISSIONS = frozenset(DECLARED["admin"].values())


def test_every_operation_that_is_served_is_declared_and_no_other(app: Flask) -> None:
    there = {operation for door in DECLARED for operation in served(app, door)}
    declared = {operation for operations in DECLARED.values() for operation in operations}

    assert there - declared == set(), "nobody declared whose these are"
    assert declared - there == set(), "nobody serves these"


def test_every_cell_is_declared() -> None:
    for door, operations in DECLARED.items():
        for operation in operations:
            assert set(row_of(door, operation)) >= set(KINDS)


@pytest.mark.parametrize("part", PARTS)
def test_each_kind_of_principal_gets_what_is_declared_of_each_operation(app: Flask, part: str) -> None:
    door, _, half = part.partition(", ")
    # What is only one of the two is told by the test above.
    operations = sorted(served(app, door) & set(DECLARED[door]), key=lambda each: (each in LAST, each))
    if door == "admin":
        operations = operations[1::2] if half else operations[::2]
    merchant_id, store_id = shop()
    owner, till = customer_with(app), terminal(app, merchant_id, store_id=store_id)
    things = things_of(owner, till) if OWNED in DECLARED[door].values() else {}
    callers = kinds.of(owner.principal, till.principal, write_key(), app)
    client = app.test_client(use_cookies=False)

    otherwise = [
        f"{operation} by {kind}: {status}, declared {row[kind]}"
        for operation in operations
        for row in [row_of(door, operation)]
        for statuses in [_ask_all(client, door, operation, callers, things)]
        for kind, status in statuses.items()
        if not _is_as_declared(row[kind], status, statuses["nobody"])
    ]

    assert not otherwise, "\n".join(otherwise)


def _is_as_declared(declared: str, status: int, nobodys: int) -> bool:
    if declared in (REFUSED, FORBIDDEN, MISSING):
        return status == int(declared)
    if declared == KEPT_OUT:
        return status in (403, 422)
    if declared == LET_IN:
        return status < 500 and status not in (401, 403, 429)
    return status < 500 and (declared == ANSWERED or status == nobodys)


def _ask_all(
    client: FlaskClient, door: str, operation: str, callers: Callers, things: dict[str, object]
) -> dict[str, int]:
    """By kind, the status of the answer; the owners ask last, for what they do may be done once."""
    permission = DECLARED[door][operation]
    order = sorted(KINDS, key=lambda kind: kind in ("stale_customer", "customer", "till"))
    is_owned = permission == OWNED
    return {
        kind: _ask(
            client,
            operation,
            callers.headers_of(kind, permission, PERMISSIONS),
            things=things if is_owned else {},
        )
        for kind in order
    }


def _ask(client: FlaskClient, operation: str, headers: object, *, things: dict[str, object]) -> int:
    method, path = operation.split(" ")
    given = named(operation, things) if things else {}
    for name in names_in(path):
        path = path.replace(f"{{{name}}}", str(given.get(name, NOBODYS)))
    sent = body(operation, things)
    more = {"headers": {**headers, "Idempotency-Key": str(ids.new())}}  # type: ignore[dict-item]
    if path.startswith(("/oauth/", "/p/", "/u/")):
        return client.open(path, method=method, data={}, **more).status_code
    return client.open(path, method=method, json={} if sent is None and method != "GET" else sent, **more).status_code


def write_key() -> str:
    with transaction() as session:
        _, key = write_keys.make(session, source="matrix", trust="server", actor="staff:test", now=clock.now())
    return key


def served(app: Flask, door: str) -> set[str]:
    """The operations of a door's document that stand at its own prefix."""
    prefixes = {each.prefix for each in app.extensions["door_of"].values() if each.document == door}
    paths = app.test_client().get(f"/openapi/{door}.json").json["paths"]  # type: ignore[index]
    return {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        if path.startswith(tuple(prefixes))
        for method in methods
        if method in {"get", "put", "post", "patch", "delete"}
    }
