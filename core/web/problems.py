"""Refusals on the wire: application/problem+json (RFC 9457), one table from kinds to statuses."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, jsonify, make_response
from werkzeug.exceptions import HTTPException

from core.errors import InternalError, InvalidInput, Kind, Malformed, NotFound, PayloadTooLarge, Refusal

STATUSES = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.INVALID: 422,
    Kind.REFUSED: 422,
    Kind.LIMITED: 429,
    Kind.UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}

log = logging.getLogger("pocketful.web")


def body_of(refusal: Refusal) -> dict[str, Any]:
    """The members of a refusal's problem document."""
    body = {
        "type": f"/docs/problems#{refusal.code}",
        "title": refusal.title,
        "status": STATUSES[refusal.kind],
        "code": refusal.code,
        "detail": refusal.detail,
        "retryable": refusal.retryable,
    }
    # A fact can add a member, never take the place of one that the standard or we have named.
    return body | {name: fact for name, fact in refusal.facts.items() if name not in body}


def response_of(refusal: Refusal) -> Response:
    """A refusal as a response, with the headers that its kind calls for."""
    response = problem_response(body_of(refusal), STATUSES[refusal.kind])
    if refusal.kind is Kind.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = refusal.challenge
    if refusal.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    if refusal.is_replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def problem_response(body: dict[str, Any], status: int) -> Response:
    response = make_response(jsonify(body), status)
    response.content_type = "application/problem+json"
    response.headers["Cache-Control"] = "no-store"
    return response


def register(app: Flask) -> None:
    app.register_error_handler(Refusal, response_of)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(Exception, _unexpected)


def from_http(error: HTTPException) -> Response:
    """What Werkzeug and webargs raise, as a problem: 404, 405, 413, a body that is no JSON, fields that are wrong."""
    status = error.code or 500
    if status == 422:
        messages = getattr(error, "data", {}).get("messages", {})
        return response_of(InvalidInput(errors=pointers(messages)))
    if status == 404:
        return response_of(NotFound())
    if status == 413:
        return response_of(PayloadTooLarge())
    if status == 400:
        return response_of(Malformed("The body is not valid JSON, or a part of the request cannot be read"))
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    phrase = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": phrase, "status": status, "code": phrase.lower().replace(" ", "_")}
    response = problem_response({**body, "detail": error.description or phrase, "retryable": status >= 500}, status)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def pointers(messages: Any) -> list[dict[str, str]]:
    """marshmallow's nested messages as flat JSON pointers ("" is the whole body); webargs' location is left off."""
    found: list[dict[str, str]] = []
    if isinstance(messages, dict) and messages and set(messages) <= {"json", "query", "form", "headers", "files"}:
        for inner in messages.values():
            _collect(inner, "", found)
    else:
        _collect(messages, "", found)
    return found


def _collect(messages: Any, pointer: str, found: list[dict[str, str]]) -> None:
    if isinstance(messages, dict):
        for name, inner in messages.items():
            step = "" if name == "_schema" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            _collect(inner, pointer + step, found)
    elif isinstance(messages, list):
        for inner in messages:
            _collect(inner, pointer, found)
    else:
        found.append({"pointer": pointer, "detail": str(messages)})


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected error", exc_info=error, extra={"request_id": g.get("request_id")})
    return response_of(InternalError(request_id=g.get("request_id")))
