"""Idempotency-Key on the doors: the same key and body get the same answer again."""

import http
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, jsonify, make_response, request
from flask_smorest import Blueprint
from marshmallow import Schema
from sqlalchemy.orm import Session

from core import clock, idempotency
from core.db import transaction
from core.errors import Refusal
from core.idempotency import Answer, KeyMissing
from core.web import principals, problems, unproxied

View = TypeVar("View", bound=Callable[..., Any])

#: What is written with a refusal, in its transaction.
Beside = Callable[[Session, Refusal], None]


HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Yours to choose, once for each deed (a UUID is best); send the same one on every retry.",
    "example": "0b9f4c1e-6a53-4a7e-9a0e-3f1f0f6f2a11",
}


#: Shows in the OpenAPI document that a view needs an Idempotency-Key: `@idempotent.documented`, below
#: `@blueprint.route`.
documented: Callable[[View], View] = Blueprint.doc(
    parameters=[HEADER],
    responses={str(status.value): status.name for status in (http.HTTPStatus.BAD_REQUEST, http.HTTPStatus.CONFLICT)},
)


def key() -> str:
    """The request's Idempotency-Key.

    raises  KeyMissing without one, or with one over 255 characters or beyond printable ASCII
    """
    given = request.headers.get("Idempotency-Key", "").strip()
    if not given or len(given) > 255 or not (given.isascii() and given.isprintable()):
        raise KeyMissing
    return given


def fingerprint() -> bytes:
    """What this request asks, by whom: 32 bytes that a retry repeats."""
    given = unproxied.request()
    return idempotency.fingerprint(
        method=given.method,
        route=given.path,
        principal=principals.current().name,
        body=given.get_json(silent=True),
    )


def command(
    work: Callable[[Session], Any], *, schema: Schema, status: int = 201, beside: Beside | None = None
) -> Response:
    """Carry a command out once in one transaction, keep its answer with it, and replay it to whoever asks again.

    A business refusal is kept too, in a second transaction since the first was rolled back; 401, 403, 409, 429 and 5xx
    never are.

    beside  what else is written with a refusal that is kept
    """
    names = _names()
    try:
        with transaction() as session:
            kept = idempotency.begin(session, **names)
            if kept is not None:
                return replayed(kept)
            answer = Answer(status, schema.dump(work(session)))
            idempotency.keep(session, **names, answer=answer, now=clock.now())
    except Refusal as refusal:
        if not refusal.is_final:
            raise
        return freeze(refusal, beside=beside)
    return answered(answer)


def freeze(refusal: Refusal, *, beside: Beside | None = None) -> Response:
    """Keep a business refusal under the request's key, with what `beside` writes; where an answer is kept, that one."""
    names = _names()
    answer = Answer(problems.STATUSES[refusal.kind], problems.body_of(refusal))
    with transaction() as session:
        kept = idempotency.begin(session, **names)
        if kept is not None:
            return replayed(kept)
        idempotency.keep(session, **names, answer=answer, now=clock.now())
        if beside is not None:
            beside(session, refusal)
    return problems.response_of(refusal)


def answered(answer: Answer) -> Response:
    return make_response(jsonify(answer.body), answer.status)


def replayed(answer: Answer) -> Response:
    """A kept answer, marked as one."""
    response = problems.problem_response(answer.body, answer.status) if answer.status >= 400 else answered(answer)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _names() -> dict[str, Any]:
    return {"principal": principals.current().name, "key": key(), "fingerprint": fingerprint()}
