"""The whole application for tests, built once a process: to describe some 350 operations takes half a second."""

from flask import Flask

from app.factory import create_app
from core.gateways import registry
from core.settings import Settings

_built: dict[int, Flask] = {}


def over(settings: Settings) -> Flask:
    """The application as `create_app(settings)` makes it; what an earlier test changed about it is forgotten."""
    app = _built.get(settings.trusted_proxies)  # which alone the building goes by
    if app is None:
        app = _built[settings.trusted_proxies] = create_app(settings)
    app.extensions["settings"] = settings
    app.extensions["gateways"] = registry.build(settings)
    return app
