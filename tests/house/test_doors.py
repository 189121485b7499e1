"""No route is public by accident, and every staff route says what it needs."""

import pytest
from flask import Flask

from core.web.doors import permission_of

#: The roof's own: they tell nothing of anyone.
UNGUARDED = {"index", "healthz", "readyz", "metrics", "openapi_document", "docs", "docs_problems"}

#: Doors without a guard: each route proves its caller by itself (OAuth's own rules, signatures, write keys).
SELF_GUARDED_DOORS = {"sign-in", "public"}


def rules(app: Flask) -> list[tuple[str, str, str]]:
    return [
        (rule.endpoint, method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def test_every_route_belongs_to_a_door(app: Flask) -> None:
    door_of = app.extensions["door_of"]

    strays = [
        rule for endpoint, _, rule in rules(app) if endpoint.split(".")[0] not in door_of and endpoint not in UNGUARDED
    ]

    assert strays == []
    assert app.extensions["unguarded"] == UNGUARDED


def test_only_the_named_doors_stand_open(app: Flask) -> None:
    open_doors = {door.name for door in app.extensions["door_of"].values() if door.guard is None}

    assert open_doors <= SELF_GUARDED_DOORS


def test_every_staff_route_declares_its_permission(app: Flask) -> None:
    door_of = app.extensions["door_of"]
    undeclared = [
        f"{method} {rule}"
        for endpoint, method, rule in rules(app)
        if (door := door_of.get(endpoint.split(".")[0])) is not None
        and door.needs_permissions
        and permission_of(app, endpoint, method) is None
    ]

    assert undeclared == []


def test_the_staff_door_has_one_word_for_where_a_thing_stands(app: Flask) -> None:
    [name] = {door.document for door in app.extensions["door_of"].values() if door.needs_permissions}
    schemas = app.extensions["apis"][name].spec.to_dict()["components"]["schemas"]

    told = {schema for schema, spec in schemas.items() if "status" in spec.get("properties", {})}

    assert [schema for schema, spec in schemas.items() if "state" in spec.get("properties", {})] == []
    assert {"Campaign", "Journey", "Message", "StepCount"} <= told


def test_every_guarded_route_refuses_a_stranger(app: Flask) -> None:
    door_of = app.extensions["door_of"]
    client = app.test_client()
    let_in = []
    for endpoint, method, rule in rules(app):
        door = door_of.get(endpoint.split(".")[0])
        if door is None or door.guard is None:
            continue
        converters = app.url_map._rules_by_endpoint[endpoint][0]._converters
        values = dict.fromkeys(converters, "01900000-0000-7000-8000-000000000000")
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(endpoint, values, method=method)
        answer = client.open(path, method=method, json={} if method != "GET" else None)
        if answer.status_code != 401 or answer.content_type != "application/problem+json":
            let_in.append((method, rule, answer.status_code))

    assert let_in == []


@pytest.mark.parametrize("document", ["app", "admin", "merchant", "ingest", "sign-in", "public"])
def test_every_door_has_its_document(app: Flask, document: str) -> None:
    answer = app.test_client().get(f"/openapi/{document}.json")

    assert answer.status_code == 200
    assert answer.json["openapi"].startswith("3.")
    assert answer.json["paths"]


def test_errors_are_documented_as_problems(app: Flask) -> None:
    document = app.test_client().get("/openapi/app.json").json

    contents = [set(response.get("content", {})) for response in document["components"]["responses"].values()]
    assert contents
    assert all(content <= {"application/problem+json"} for content in contents)
