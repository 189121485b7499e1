"""Operators enrol tills and take them out of use by command."""

from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import text

from core.db import transaction
from tests.auth.device_grants.conftest import Device
from tests.auth.places.conftest import Till


def flask(app: Flask, *args: str) -> Any:
    return app.test_cli_runner().invoke(args=args)


def test_an_operator_enrols_a_till_by_its_code(app: Flask, till: Till) -> None:
    device = Device(app.test_client())
    told = device.ask().json

    result = flask(
        app, "terminal", "enrol", "--user-code", told["user_code"], "--store", str(till.store_id), "--name", "Till 2"
    )

    assert result.exit_code == 0, result.output
    assert device.poll(told["device_code"]).json["client_id"] == str(UUID(result.output.strip()))
    with transaction() as session:
        actors = session.scalars(text("SELECT actor FROM core.audit_entry")).all()
    assert actors == ["operator"]


def test_a_code_that_no_till_shows_is_told_in_one_line(app: Flask, till: Till) -> None:
    result = flask(
        app, "terminal", "enrol", "--user-code", "BBBB-BBBB", "--store", str(till.store_id), "--name", "Till 2"
    )

    assert (result.exit_code, result.output) == (
        1, "Error: No device shows this code (any more): have it show another one\n",
    )  # fmt: skip


def test_an_operator_takes_a_till_out_of_use_for_ever(app: Flask, till: Till) -> None:
    token = till.token()

    assert flask(app, "terminal", "status", till.id, "revoked").output == f"{till.id} is revoked\n"

    answer = till.client.get("/merchant/v1/store-code", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    again = flask(app, "terminal", "status", till.id, "active")
    assert again.exit_code == 1 and "holds for ever" in again.output
