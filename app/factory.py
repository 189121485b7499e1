"""The application: doors, problems and documents on one Flask app."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import cli, documents, operations, wiring
from app.demo.cli import demo
from core.gateways import registry
from core.settings import Settings
from core.web import doors, problems, requests


class _App(Flask):
    """Views and hooks here are plain functions, so none is asked at each call whether it is a coroutine: that was a
    twentieth of the CPU of a payment's frame (measured)."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings) -> Flask:
    """The API over an opened database (`app.start.open_house`)."""
    app = _App("pocketful", static_folder=None)
    app.extensions["settings"] = settings
    app.extensions["gateways"] = registry.build(settings)
    if settings.trusted_proxies:
        # The caller's address alone: what we are called ourselves is PUBLIC_URL, whatever a header says.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0
        )

    problems.register(app)
    requests.register(app)
    operations.register(app)
    documents.register(app)
    doors.open_doors(app, wiring.doors())
    for group in (*wiring.COMMANDS, cli.serve, cli.worker, cli.migrate, cli.readers, demo):
        app.cli.add_command(group)
    return app
