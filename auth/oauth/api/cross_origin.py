"""Pages of clients that call us by script, from an origin of their own (CORS): those whose redirect URIs stand there.

Only answers to what such a page sends itself are opened, never with our cookies.
"""

import re

from flask import Response, request

from auth.oauth import origins
from core.errors import Refusal

_ORIGIN = re.compile(r"https?://[a-z0-9.\-\[\]:]{1,200}\Z")


def open_to_anybody(response: Response) -> Response:
    """What stands here is everybody's: keys, and where everything is."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def open_to_clients(response: Response) -> Response:
    """Let the pages of clients read this answer, and ask for it by what their script sends."""
    origin = request.headers.get("Origin")
    if origin is None:  # most are no browsers; and nobody keeps these answers, which would have to know who asked
        return response
    response.vary.add("Origin")
    if _ORIGIN.match(origin) and _is_a_clients(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "GET, POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, DPoP"
        response.headers["Access-Control-Expose-Headers"] = "Retry-After, WWW-Authenticate"
        response.headers["Access-Control-Max-Age"] = "600"
    return response


def _is_a_clients(origin: str) -> bool:
    try:
        return origins.is_a_clients(origin)
    except Refusal:  # the database is away; the answer stands, and to raise now would make a 500 of it
        return False
