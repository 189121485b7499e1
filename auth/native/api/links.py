"""Which apps the brand's links and passkeys belong to."""

from flask import Response, current_app, jsonify
from flask_smorest import Blueprint

from auth.native import links

blueprint = Blueprint("app_links", __name__, description="Which apps the brand's links and passkeys belong to")

_AGE = "public, max-age=3600"


@blueprint.get("/.well-known/apple-app-site-association")
@blueprint.response(200, {"type": "object"})
def apple() -> Response:
    """The iOS apps that open our links and use our passkeys."""
    response = jsonify(links.for_apple(current_app.extensions["settings"]))
    response.headers["Cache-Control"] = _AGE
    return response


@blueprint.get("/.well-known/assetlinks.json")
@blueprint.response(200, {"type": "array", "items": {"type": "object"}})
def android() -> Response:
    """The Android apps that open our links and use our passkeys."""
    response = jsonify(links.for_android(current_app.extensions["settings"]))
    response.headers["Cache-Control"] = _AGE
    return response
