"""What Flask's proxies stand for, for code that every request runs and that asks more than one thing of it.

Each look through a proxy costs more than most of what is looked at: there were fifty a payment, a fifteenth of the CPU
of its frame (measured).
"""

from typing import Any, cast

import flask
from flask import Flask, Request


def app() -> Flask:
    found: Flask = cast(Any, flask.current_app)._get_current_object()
    return found


def request() -> Request:
    found: Request = cast(Any, flask.request)._get_current_object()
    return found


def g() -> Any:
    """This request's own names."""
    return cast(Any, flask.g)._get_current_object()
