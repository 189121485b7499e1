"""The pages that a gift's link, and a text about a gift, lead to on a telephone without the app."""

import re

from flask import Response
from flask_smorest import Blueprint

from core.errors import NotFound
from core.web import landing

blueprint = Blueprint("gifts_public", __name__, description="Gifts from friends")

_CODE = re.compile(r"[0-9a-f]{64}")


@blueprint.get("/c/g/<code>")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_gift_link(code: str) -> Response:
    """The page behind a gift's link. A telephone that has the app opens the app instead (a universal link)."""
    # Nothing is looked up: the page tells whoever has the link no more than that it is one.
    if not _CODE.fullmatch(code):
        raise NotFound
    return _page("Get the app, sign up, and open this link again to receive it.")


@blueprint.get("/c/g")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_gift_invitation() -> Response:
    """The page that a text to a friend leads to. A telephone that has the app opens the app instead."""
    return _page("Get the app and sign in with the number that got the message.")


def _page(todo: str) -> Response:
    return landing.page(landing.loud("A friend has a gift for you"), todo)
