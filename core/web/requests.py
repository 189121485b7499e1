"""What happens to every request and answer: size and text checks, a request id, ETags, security headers."""

import json
import re

from flask import Flask, Response, current_app, g, request

from core import ids
from core.errors import Malformed

MAX_BODY_BYTES = 1_000_000
_SUSPECT = re.compile(rb"\\u0000|\\ud[89a-f]", re.IGNORECASE)


def register(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.before_request(_name_request)
    app.before_request(refuse_unstorable_text)
    app.after_request(_finish)


def _name_request() -> None:
    g.request_id = ids.new().hex


def refuse_unstorable_text() -> None:
    """A NUL or half a surrogate pair is legal JSON that PostgreSQL cannot store: refused before any view sees it."""
    if b"%00" in request.query_string or "\0" in request.path:
        raise Malformed("A NUL character cannot be stored")
    door = current_app.extensions["door_of"].get(request.blueprint)
    if door is not None and door.reads_raw_bodies:
        return
    if request.mimetype != "application/json" or not _SUSPECT.search(request.get_data(cache=True)):
        return
    try:
        text = json.dumps(json.loads(request.get_data()), ensure_ascii=False).encode()
    except ValueError as error:  # not JSON at all, or a lone surrogate
        raise Malformed("The body is not valid JSON text") from error
    if b"\\u0000" in text:
        raise Malformed("A NUL character cannot be stored")


def _finish(response: Response) -> Response:
    response.headers.setdefault("X-Request-Id", g.get("request_id", ""))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.method == "GET" and response.status_code == 200 and not response.is_streamed:
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.add_etag()
        response.make_conditional(request)
    return response
