"""Signing in with a browser: the authorization endpoint, and pushing requests to it beforehand."""

from flask import Response, request
from flask_smorest import Blueprint

from auth.authorizing import deciding, requests
from auth.authorizing.api import answers, browsers, docs, flow, parameters
from auth.authorizing.deciding import Asked, NoWayBack, Refused
from auth.authorizing.requests import URN
from auth.dpop import binding
from auth.errors import OAuthRefusal
from auth.keys import jwk
from auth.oauth import clients
from auth.oauth.api import wire
from auth.oauth.clients import Client
from core import clock
from core.db import transaction

blueprint = Blueprint("authorize", __name__, description="Signing in with a browser")
wire.speak_oauth(blueprint)


@blueprint.get("/oauth/authorize")
@blueprint.doc(**docs.AUTHORIZE)
def authorize() -> Response:
    """Sign a customer in with their browser: it is sent on to a page, or back with a code (RFC 6749 section 4.1)."""
    return _answered()


@blueprint.post("/oauth/authorize")
@blueprint.doc(**docs.AUTHORIZE_BY_FORM)
def authorize_by_form() -> Response:
    """The same with the parameters in a form."""
    return _answered()


@blueprint.post("/oauth/par")
@blueprint.doc(**docs.PAR)
def push() -> Response:
    """Push a request to us first (RFC 9126), so that the browser carries nothing but its name."""
    given = wire.form(most_bytes=deciding.LONGEST)
    client = wire.client(given)
    if not client.check_grant_type("authorization_code"):
        return wire.refused(OAuthRefusal("unauthorized_client", "This client cannot sign anybody in with a browser"))
    if "request_uri" in given:
        raise wire.invalid("A pushed request holds the parameters themselves")
    told = {name: value for name, value in given.items() if name not in _PROOFS} | {"client_id": client.client_id}
    proven = binding.presented(clock.now())
    if proven is not None and told.setdefault("dpop_jkt", jwk.b64url(proven.jkt)) != jwk.b64url(proven.jkt):
        raise wire.invalid("dpop_jkt is not of the key that is proved")
    try:
        deciding.read(client, told, deciding.way_of(client, told))
    except NoWayBack as error:
        raise wire.invalid("redirect_uri is missing, or not one that is registered") from error
    except Refused as error:
        return wire.refused(error.refusal)
    with transaction() as session:
        uri = requests.push(session, client_id=client.client_id, parameters=told, now=clock.now())
    return wire.answer({"request_uri": uri, "expires_in": int(requests.PUSHED_TTL.total_seconds())}, 201)


#: What shows who pushes, and is no part of what is asked.
_PROOFS = {"client_secret", "client_assertion", "client_assertion_type"}


def _answered() -> Response:
    try:
        asked, given = _read()
    except NoWayBack as error:
        return answers.no_way_back(str(error))
    except Refused as error:
        return answers.refusal(error.way, error.refusal)

    now = clock.now()
    if request.method == "GET":
        return flow.begin(asked, given, now=now)
    # Another site's form brings none of our cookies along (SameSite); the browser's next look does.
    with transaction() as session:
        handle = flow.keep(session, asked, given, now=now)
    return browsers.see_other(browsers.path_of("/sign-in/next", handle))


def _read() -> tuple[Asked, dict[str, str]]:
    """raises  NoWayBack, Refused"""
    given, doubled = parameters.read()
    client = clients.find(given.get("client_id", ""))
    is_pushed = "request_uri" in given
    if is_pushed:
        given, doubled = _pushed(client, given, doubled), frozenset()
    way = deciding.way_of(client, given, doubled)
    assert client is not None
    if client.needs_par and not is_pushed:
        raise Refused(way, OAuthRefusal("invalid_request", "This client has to push its requests to /oauth/par"))
    return deciding.read(client, given, way, doubled), given


def _pushed(client: Client | None, given: dict[str, str], doubled: frozenset[str]) -> dict[str, str]:
    """What was pushed under this name. What stands beside the name counts for nothing (RFC 9126 section 4)."""
    uri = given["request_uri"]
    if not uri.startswith(URN):
        way = deciding.way_of(client, given, doubled)
        raise Refused(way, OAuthRefusal("request_uri_not_supported", "Push the request to /oauth/par"))
    if client is None or doubled:
        raise NoWayBack("The site that you came from is not known here.")
    with transaction() as session:
        found = requests.take_pushed(session, uri, client_id=client.client_id, now=clock.now())
    if found is None:
        raise NoWayBack("The request of the site that you came from is too old, or was used before.")
    return dict(found)
