"""Doors let nobody in by accident."""

import pytest
from flask.testing import FlaskClient


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


@pytest.mark.parametrize("path", ["/app/me", "/admin/innermost", "/admin/undeclared"])
def test_a_stranger_is_sent_to_sign_in(till: FlaskClient, path: str) -> None:
    answer = till.get(path)

    assert answer.status_code == 401
    assert answer.json["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_guard_that_forgets_to_refuse_lets_nobody_in(till: FlaskClient) -> None:
    assert till.get("/app/broken", headers=as_("nobody")).status_code == 401


def test_a_route_of_no_door_is_not_there(till: FlaskClient) -> None:
    assert till.get("/stray", headers=as_("clerk")).status_code == 404


@pytest.mark.parametrize("path", ["innermost", "between", "outermost", "shelf"])
def test_a_permission_counts_wherever_its_decorator_stands(till: FlaskClient, path: str) -> None:
    assert till.get(f"/admin/{path}", headers=as_("reader")).status_code == 200
    assert till.head(f"/admin/{path}", headers=as_("reader")).status_code == 200
    refused = till.get(f"/admin/{path}", headers=as_("customer"))
    assert (refused.status_code, refused.json["permission"]) == (403, "shelves.read")


def test_a_staff_route_without_a_permission_is_closed(till: FlaskClient) -> None:
    assert till.get("/admin/undeclared", headers=as_("clerk")).status_code == 403


def test_each_method_of_a_view_has_its_own_permission(till: FlaskClient) -> None:
    assert till.put("/admin/shelf", headers=as_("reader")).status_code == 403
    assert till.put("/admin/shelf", headers=as_("clerk")).status_code == 200


def test_each_doors_document_tells_of_its_own_routes_errors_and_token(till: FlaskClient) -> None:
    document = till.application.extensions["apis"]["app"].spec.to_dict()

    assert set(document["paths"]) == {"/app/orders", "/app/me", "/app/broken", "/app/busy", "/app/raw"}
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["security"] == [{"token": []}]
    order = document["paths"]["/app/orders"]["post"]
    assert order["responses"]["422"]["$ref"].startswith("#/components/responses/UNPROCESSABLE_")
    for response in document["components"]["responses"].values():
        assert set(response.get("content", {"application/problem+json": 1})) == {"application/problem+json"}


def test_a_view_that_needs_an_idempotency_key_says_so(till: FlaskClient) -> None:
    document = till.application.extensions["apis"]["app"].spec.to_dict()

    (header,) = document["paths"]["/app/orders"]["post"]["parameters"]
    assert (header["name"], header["in"], header["required"]) == ("Idempotency-Key", "header", True)
    assert "409" in document["paths"]["/app/orders"]["post"]["responses"]
