"""OAuth's own manners on the wire: form bodies in, JSON that is never stored out (RFC 6749 section 5)."""

import re
from typing import Any, cast
from urllib.parse import parse_qsl

from flask import Response, request
from flask_smorest import Blueprint
from werkzeug.exceptions import HTTPException

from auth.errors import OAuthRefusal
from auth.oauth import authenticating
from auth.oauth.clients import Client
from auth.oauth.errors import OAuthError, invalid_request
from core import clock
from core.errors import Kind, PayloadTooLarge, Refusal
from core.web import unproxied
from core.web.problems import STATUSES, from_http

__all__ = ["OAuthError"]

#: No request of OAuth's is longer, but for a pushed one.
MOST_BYTES = 32_768

_MOST_PARAMETERS = 100
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z")


def speak_oauth(blueprint: Blueprint) -> None:
    """Let all refusals of these routes be told in OAuth's words."""
    blueprint.register_error_handler(OAuthError, _refuse)
    blueprint.register_error_handler(Refusal, _refuse_in_oauths_words)


def form(*, most_bytes: int = MOST_BYTES) -> dict[str, str]:
    """The parameters of the body. There may be none in the query: addresses end up in logs.

    raises  OAuthError invalid_request for another media type, a parameter in the query or given twice;
            PayloadTooLarge
    """
    asked = unproxied.request()
    if asked.query_string:
        raise invalid("Send the parameters in the body, none in the address")
    if asked.mimetype != "application/x-www-form-urlencoded":
        raise invalid("Send the parameters as application/x-www-form-urlencoded")
    data = asked.get_data(cache=True)
    if len(data) > most_bytes:
        raise PayloadTooLarge
    try:
        # By hand: Werkzeug's parser takes four times as long, a thirtieth of a refresh (measured).
        text = data.decode("utf-8", "replace")
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise invalid("There are too many parameters") from error
    given = dict(pairs)
    if len(given) != len(pairs):
        raise invalid("A parameter was given twice")
    # RFC 6749 section 3.1: a parameter without a value counts as left out.
    return {name: value for name, value in given.items() if value}


def client(given: dict[str, str]) -> Client:
    """The client that sent these parameters, authenticated as it has to be.

    raises  OAuthError
    """
    asked = unproxied.request()
    return authenticating.authenticate(
        given,
        authorization=asked.headers.get("Authorization"),
        address=asked.remote_addr or "",
        endpoint=asked.path,
        now=clock.now(),
    )


def required(given: dict[str, str], name: str) -> str:
    """raises  OAuthError invalid_request"""
    if name not in given:
        raise invalid(f"{name} is missing")
    return given[name]


def invalid(description: str) -> OAuthError:
    return invalid_request(description)


def locale_of(given: dict[str, str]) -> str | None:
    """The first of `ui_locales` (OpenID Connect), else what the device prefers; None when that is no language tag."""
    wanted = given.get("ui_locales", "").split(" ")[0] or next(iter(request.accept_languages.values()), "")
    return wanted if _LOCALE.match(wanted) else None


def answer(body: dict[str, Any], status: int = 200) -> Response:
    response = cast(Response, unproxied.app().json.response(body))
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def refused(refusal: OAuthRefusal) -> Response:
    body = {"error": refusal.error, "error_description": refusal.description, **refusal.extra}
    response = answer(body, refusal.status)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="pocketful"'
    if refusal.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response


def _refuse(error: OAuthError) -> Response:
    return refused(error.refusal)


_ERRORS = {Kind.UNAVAILABLE: "temporarily_unavailable", Kind.LIMITED: "slow_down"}


def _refuse_in_oauths_words(refusal: Refusal) -> Response:
    """What the house itself refuses (a body that cannot be read, a database that is away) in OAuth's own shape."""
    return refused(
        OAuthRefusal(
            _ERRORS.get(refusal.kind, "invalid_request"),
            refusal.detail,
            status=STATUSES[refusal.kind],
            retry_after_seconds=refusal.retry_after_seconds,
        )
    )


def refuse_the_method(error: HTTPException) -> Response:
    """A wrong method reaches no view, hence no blueprint: only the app can answer, by the path."""
    answer = from_http(error)
    if not request.path.startswith("/oauth/"):
        return answer
    told = refused(OAuthRefusal("invalid_request", "Send a POST", status=405))
    told.headers["Allow"] = answer.headers["Allow"]
    return told
