"""Staff say whose another system's id is."""

from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from auth import tokens
from connect import write_keys
from core import clock, db, ids
from core.web.principals import Principal
from tests.insights.log import a_customer


def map_identity(
    app: Flask, customer_id: UUID, external_id: str, permission: str = "customers.write", source: str = "outside"
) -> TestResponse:
    someone = Principal("staff", ids.new(), permissions=frozenset({permission}))
    token = tokens.mint(someone, audience=tokens.ADMIN, client_id="test", now=clock.now())
    return app.test_client().post(
        f"/admin/v1/external-identities/{source}",
        json={"customer_id": str(customer_id), "external_id": external_id},
        headers={"Authorization": f"Bearer {token}"},
    )


def test_mapping_is_told_without_repeating_the_id(app: Flask) -> None:
    customer_id = a_customer()

    told = {"source": "outside", "customer_id": str(customer_id)}

    first, again = map_identity(app, customer_id, "17"), map_identity(app, customer_id, "17")

    assert (first.status_code, first.json) == (201, told)
    assert (again.status_code, again.json) == (201, told)


def test_id_of_another_customer_is_409(app: Flask) -> None:
    map_identity(app, a_customer(), "17")

    answer = map_identity(app, a_customer("+12125550143"), "17")

    assert answer.status_code == 409
    assert answer.json is not None and answer.json["code"] == "identity_taken"


def test_unknown_customer_is_404(app: Flask) -> None:
    assert map_identity(app, ids.new(), "17").status_code == 404


@pytest.mark.parametrize("external_id", ["", "x" * 513])
def test_id_has_1_to_512_characters(app: Flask, external_id: str) -> None:
    assert map_identity(app, a_customer(), external_id).status_code == 422


@pytest.mark.parametrize("source", ["crm", "outsid", "x" * 500, "Outside", "pocketful", "%F0%9F%8C%8D"])
def test_a_source_that_no_write_key_has_is_404(app: Flask, source: str) -> None:
    """Else a typing error maps into nowhere, and nobody is told."""
    answer = map_identity(app, a_customer(), "17", source=source)

    assert (answer.status_code, answer.json and answer.json["code"]) == (404, "source_unknown")


def test_the_source_of_a_key_that_was_revoked_is_known(app: Flask) -> None:
    """What came in by it stays, and is somebody's."""
    with db.transaction() as session:
        row, _ = write_keys.make(session, source="crm", trust="server", actor="staff:test", now=clock.now())
    with db.transaction() as session:
        write_keys.revoke(session, row.id, actor="staff:test", now=clock.now())

    assert map_identity(app, a_customer(), "17", source="crm").status_code == 201


def test_the_answers_document_promises_what_is_answered(app: Flask) -> None:
    document = app.test_client().get("/openapi/admin.json").json
    assert document is not None
    answer = document["paths"]["/admin/v1/external-identities/{source}"]["post"]["responses"]["201"]
    name = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]

    assert document["components"]["schemas"][name]["properties"].keys() == {"source", "customer_id"}


def test_it_needs_its_permission(app: Flask) -> None:
    assert map_identity(app, a_customer(), "17", permission="customers.read").status_code == 403
