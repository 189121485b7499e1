"""Asking whether somebody wants to sign out."""

from flask import Response
from sqlalchemy.orm import Session

from auth import sessions
from auth.authorizing import requests
from auth.authorizing.api import browsers, cookies, logout
from auth.authorizing.api.pages import layout
from auth.authorizing.api.pages.routes import HTML, blueprint, check_origin, given_handle
from auth.authorizing.errors import SignInOver
from auth.authorizing.requests import Stored
from auth.oauth import clients
from core import clock
from core.db import transaction


@blueprint.get("/sign-out")
@blueprint.response(200, **HTML)
@blueprint.alt_response(303, description="Nobody is signed in: on to where the client wants the browser")
@blueprint.alt_response(410, description="The question is over, or another browser's")
def show_sign_out() -> Response:
    """The page that asks whether to sign out. /oauth/logout leads here where no client shows whom it means."""
    now = clock.now()
    with transaction() as session:
        stored = _waiting(session, lock=True)
        if browsers.living(session, clients.find(stored.client_id), now=now) is None:
            requests.use(session, stored, now=now)
            return logout.after(stored.parameters.get("uri"), stored.parameters.get("state"))
    named = layout.hidden("r", given_handle())
    return layout.page(
        "Sign out?",
        layout.paragraph("You will be signed out here, and by every app and site that you came to from here."),
        layout.form([named], button="Sign out", action="/sign-out"),
        form_action=layout.ANYWHERE,
    )


@blueprint.post("/sign-out")
@blueprint.response(200, **HTML)
@blueprint.alt_response(303, description="On to where the client wants the browser")
@blueprint.alt_response(410, description="The question is over, or another browser's")
def sign_out_here() -> Response:
    """Sign out, and everything that hangs from this sign-in with it."""
    now = clock.now()
    check_origin()
    with transaction() as session:
        stored = _waiting(session, lock=True)
        client = clients.find(stored.client_id)
        live = browsers.living(session, client, now=now)
        if live is not None:
            sessions.end(session, live.id, because="signed_out", now=now)
        requests.use(session, stored, now=now)
    cookies.drop_session(client)
    return logout.after(stored.parameters.get("uri"), stored.parameters.get("state"))


def _waiting(session: Session, *, lock: bool = False) -> Stored:
    """The question that this browser was asked. A sign-in is none: nobody looked at what a client sent along with it as
    at a place to go to after a sign-out.

    raises  SignInOver
    """
    stored = browsers.waiting(session, given_handle(), now=clock.now(), lock=lock)
    if stored.then != logout.PAGE:
        raise SignInOver
    return stored
