"""Links to money: what opens where one is followed on a telephone without the app."""

import re

from flask import Response
from flask_smorest import Blueprint

from core.errors import NotFound
from core.web import landing

blueprint = Blueprint("peers_public", __name__, description="Links to money between people")

_CODE = re.compile(r"[0-9a-f]{64}")


@blueprint.get("/c/s/<code>")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_sending_link(code: str) -> Response:
    """The page behind the link to a sending. A telephone that has the app opens the app instead (a universal link)."""
    # Nothing is looked up: the page tells whoever has the link no more than that it is one.
    if not _CODE.fullmatch(code):
        raise NotFound
    return landing.page(
        landing.loud("Money was sent to you"), "Get the app, sign up, and open this link again to receive it."
    )


@blueprint.get("/c/r/<code>")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_request_link(code: str) -> Response:
    """The page behind the link to a request for money."""
    if not _CODE.fullmatch(code):
        raise NotFound
    return landing.page(
        landing.loud("You are asked for money"), "Get the app, sign up, and open this link again to see by whom."
    )


@blueprint.get("/c/s")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_invitation() -> Response:
    """The page that a text to a number without an account leads to."""
    return landing.page(
        landing.loud("Money was sent to you"), "Get the app and sign up with the number that got the message."
    )
