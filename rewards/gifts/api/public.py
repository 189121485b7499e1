"""The page that a text about a gift leads to, on a telephone without the app."""

from flask import Response, current_app
from flask_smorest import Blueprint
from markupsafe import escape

blueprint = Blueprint("gifts_public", __name__, description="Gifts from friends")


@blueprint.get("/c/g")
@blueprint.response(200, {"type": "string"}, content_type="text/html")
def show_gift_invitation() -> Response:
    """The page that a text to a friend leads to. A telephone that has the app opens the app instead."""
    brand = escape(current_app.extensions["settings"].brand_name)
    response = Response(_PAGE.format(brand=brand), content_type="text/html; charset=utf-8")
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
<p style="font-size: 1.3rem"><strong>A friend gave you a gift card</strong></p>
<p>Get the app and sign in with the number that got the message.</p>
</body>
</html>
"""
