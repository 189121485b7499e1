"""The whole application for tests, built once a process: to describe some 350 operations takes half a second."""

from flask import Flask

from app.factory import create_app
from core.gateways import registry
from core.settings import Settings

_built: dict[tuple[int, bool], Flask] = {}


def over(settings: Settings) -> Flask:
    """The application as `create_app(settings)` makes it; what an earlier test changed about it is forgotten."""
    # The building goes by the first alone; a test may have one over the sandbox and one over Stripe side by side.
    kind = (settings.trusted_proxies, bool(settings.stripe_secret_key))
    app = _built.get(kind)
    if app is None:
        app = _built[kind] = create_app(settings)
    app.extensions["settings"] = settings
    app.extensions["gateways"] = registry.build(settings)
    return app
