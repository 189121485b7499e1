"""Signing out: at once where a client shows which sign-in it means, else by a button."""

from datetime import datetime

from flask import Response, request
from flask_smorest import Blueprint

from auth import sessions
from auth.authorizing import logout, redirects, requests
from auth.authorizing.api import answers, browsers, cookies, docs, parameters
from auth.authorizing.api.pages import layout
from auth.authorizing.deciding import NoWayBack
from auth.authorizing.logout import Asked
from auth.oauth import clients
from auth.oauth.api import wire
from core import clock
from core.db import transaction

#: The page that asks first.
PAGE = "/sign-out"

blueprint = Blueprint("logout", __name__, description="Signing out")
wire.speak_oauth(blueprint)


@blueprint.get("/oauth/logout")
@blueprint.doc(**docs.LOGOUT)
def sign_out() -> Response:
    """Sign the browser out, and every client with it (OpenID Connect RP-Initiated Logout)."""
    return _answered()


@blueprint.post("/oauth/logout")
@blueprint.doc(**docs.LOGOUT_BY_FORM)
def sign_out_by_form() -> Response:
    """The same with the parameters in a form."""
    return _answered()


def after(uri: str | None, state: str | None) -> Response:
    """Where a browser goes that is signed out."""
    if uri is None:
        return layout.message("You are signed out", "You can close this page.")
    return browsers.see_other(redirects.with_parameters(uri, {"state": state}))


def _answered() -> Response:
    now = clock.now()
    try:
        asked = logout.read(*parameters.read(), now=now)
    except NoWayBack as error:
        return answers.no_way_back(str(error))
    client = clients.find(asked.client_id or browsers.OWN_CLIENT)
    with transaction() as session:
        live = browsers.living(session, client, now=now)
        meant = logout.session_of(session, asked.sid)
        # Another site's form brings none of our cookies along (SameSite); the browser's next look does.
        is_unseen = live is None and meant is None and request.method == "POST"
        if is_unseen or (live is not None and live.id != meant):
            return _ask(asked, now=now)
        if meant is not None:
            sessions.end(session, meant, because="signed_out", now=now)
    cookies.drop_session(client)
    return after(asked.uri, asked.state)


def _ask(asked: Asked, *, now: datetime) -> Response:
    """Nobody is signed out by a link that anybody could have made."""
    told = {name: value for name, value in (("uri", asked.uri), ("state", asked.state)) if value is not None}
    with transaction() as session:
        handle = requests.keep(
            session,
            client_id=asked.client_id or browsers.OWN_CLIENT,
            parameters=told,
            then=PAGE,
            browser=cookies.made_browser(),
            now=now,
        )
    return browsers.see_other(browsers.path_of(PAGE, handle))
