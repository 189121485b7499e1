"""Doors of insights alone, behind a guard that lets in who the test says."""

from collections.abc import Sequence

from flask import Flask
from flask.testing import FlaskClient
from flask_smorest import Blueprint

from core import ids
from core.settings import Settings
from core.web import doors, problems, requests
from core.web.doors import Door
from core.web.principals import Principal


def staff(settings: Settings, blueprints: Sequence[Blueprint], permissions: frozenset[str]) -> FlaskClient:
    """A client of the staff door as somebody with these permissions."""
    someone = Principal("staff", ids.new(), permissions=permissions)
    return _open(settings, blueprints, someone, name="staff", prefix="/admin/v1")


def customer(settings: Settings, blueprints: Sequence[Blueprint], someone: Principal) -> FlaskClient:
    return _open(settings, blueprints, someone, name="customer", prefix="/app/v1")


def _open(
    settings: Settings, blueprints: Sequence[Blueprint], someone: Principal, *, name: str, prefix: str
) -> FlaskClient:
    app = Flask(name, static_folder=None)
    app.extensions["settings"] = settings
    problems.register(app)
    requests.register(app)
    doors.open_doors(
        app,
        [
            Door(
                name=name,
                document=name,
                title=name,
                prefix=prefix,
                guard=lambda: someone,
                needs_permissions=name == "staff",
                blueprints=blueprints,
            )
        ],
    )
    return app.test_client()
