"""Each way to say no has a code of its own, and each code is explained."""

import importlib
import pkgutil

import pytest
from flask import Flask

from core.errors import every_refusal
from core.web.problems import STATUSES

ROOMS = ("core", "auth", "wallet", "rewards", "insights", "engage", "connect", "app")


def load_rooms() -> None:
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            # What a process of `flask serve` runs opens the settings' database as it is imported.
            if not module.name.endswith(("__main__", "app.serving")):
                importlib.import_module(module.name)


def test_error_codes_are_unique() -> None:
    load_rooms()
    codes: dict[str, str] = {}
    for kind in every_refusal():
        if "code" in kind.__dict__:
            assert kind.code not in codes, f"{kind.__qualname__} and {codes[kind.code]} share the code {kind.code}"
            codes[kind.code] = kind.__qualname__


def test_every_refusal_has_a_code_of_its_own() -> None:
    load_rooms()

    assert [kind.__qualname__ for kind in every_refusal() if "code" not in kind.__dict__] == []
    assert all(kind.kind in STATUSES for kind in every_refusal())


@pytest.mark.usefixtures("database")
def test_every_code_is_explained(app: Flask) -> None:
    load_rooms()
    page = app.test_client().get("/docs/problems").text

    assert [kind.code for kind in every_refusal() if f'id="{kind.code}"' not in page] == []
