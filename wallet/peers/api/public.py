"""Links to money: what opens where one is followed on a telephone without the app."""

import re

from flask import Response, current_app
from flask_smorest import Blueprint
from markupsafe import escape

from core.errors import NotFound

blueprint = Blueprint("peers_public", __name__, description="Links to money between people")

_CODE = re.compile(r"[0-9a-f]{64}")


@blueprint.get("/c/s/<code>")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_sending_link(code: str) -> Response:
    """The page behind the link to a sending. A telephone that has the app opens the app instead (a universal link)."""
    # Nothing is looked up: the page tells whoever has the link no more than that it is one.
    if not _CODE.fullmatch(code):
        raise NotFound
    return _page("Money was sent to you", "Get the app, sign up, and open this link again to receive it.")


@blueprint.get("/c/r/<code>")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_request_link(code: str) -> Response:
    """The page behind the link to a request for money."""
    if not _CODE.fullmatch(code):
        raise NotFound
    return _page("You are asked for money", "Get the app, sign up, and open this link again to see by whom.")


@blueprint.get("/c/s")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_invitation() -> Response:
    """The page that a text to a number without an account leads to."""
    return _page("Money was sent to you", "Get the app and sign up with the number that got the message.")


def _page(told: str, todo: str) -> Response:
    brand = current_app.extensions["settings"].brand_name
    response = Response(
        _PAGE.format(brand=escape(brand), told=told, todo=todo), content_type="text/html; charset=utf-8"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{brand}</title>
<body style="font-family: system-ui, sans-serif; text-align: center; padding: 15vh 1rem">
<h1>{brand}</h1>
<p style="font-size: 1.3rem"><strong>{told}</strong></p>
<p>{todo}</p>
</body>
</html>
"""
