"""Answers to a client, by way of the browser: to its own address, with the issuer's name (RFC 9207)."""

from flask import Response
from markupsafe import Markup

from auth import tokens
from auth.authorizing import redirects
from auth.authorizing.api import browsers
from auth.authorizing.api.pages import layout
from auth.authorizing.deciding import FORM_POST, Way
from auth.errors import OAuthRefusal


def code(way: Way, code: str) -> Response:
    return _answer(way, {"code": code, "state": way.state, "iss": tokens.issuer()})


def refusal(way: Way, refusal: OAuthRefusal) -> Response:
    told = {"error": refusal.error, "error_description": refusal.description}
    return _answer(way, {**told, "state": way.state, "iss": tokens.issuer()})


def no_way_back(reason: str) -> Response:
    """A page for the person, since nobody may be sent anywhere."""
    return layout.message("This sign-in cannot go on", reason, status=400)


def over() -> Response:
    return layout.message(
        "This sign-in is over",
        "It was finished, took too long, or belongs to another browser. Go back to where you came from and begin anew.",
        status=410,
    )


def _answer(way: Way, told: dict[str, str | None]) -> Response:
    if way.mode == FORM_POST:
        return _by_form(way, {name: value for name, value in told.items() if value is not None})
    return browsers.see_other(redirects.with_parameters(way.redirect_uri, told))


def _by_form(way: Way, told: dict[str, str]) -> Response:
    """OAuth 2.0 Form Post Response Mode: a form that sends itself, or by its button where scripts are off."""
    fields = [layout.hidden(name, value) for name, value in told.items()]
    sending: Markup = layout.form(fields, button="Continue", action=way.redirect_uri)
    return layout.page(
        "One moment", sending, form_action=layout.ANYWHERE, script="document.forms[0].submit()", referrer="no-referrer"
    )
