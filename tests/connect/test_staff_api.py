"""Staff say whose another system's id is."""

from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from auth import tokens
from core import clock, ids
from core.web.principals import Principal
from tests.insights.log import a_customer


def map_identity(app: Flask, customer_id: UUID, external_id: str, permission: str = "customers.write") -> TestResponse:
    someone = Principal("staff", ids.new(), permissions=frozenset({permission}))
    token = tokens.mint(someone, audience=tokens.ADMIN, client_id="test", now=clock.now())
    return app.test_client().post(
        "/admin/v1/external-identities/crm",
        json={"customer_id": str(customer_id), "external_id": external_id},
        headers={"Authorization": f"Bearer {token}"},
    )


def test_mapping_is_told_without_repeating_the_id(app: Flask) -> None:
    customer_id = a_customer()

    first, again = map_identity(app, customer_id, "17"), map_identity(app, customer_id, "17")

    assert (first.status_code, first.json) == (201, {"customer_id": str(customer_id)})
    assert (again.status_code, again.json) == (201, {"customer_id": str(customer_id)})


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


def test_it_needs_its_permission(app: Flask) -> None:
    assert map_identity(app, a_customer(), "17", permission="customers.read").status_code == 403
