"""Tokens: for a code, for a refresh token, and no more. OAuth 2 says how its bodies and errors look, so flask-smorest
only documents these routes."""

from flask import Response
from flask_smorest import Blueprint

from auth import tokens
from auth.errors import OAuthRefusal
from auth.oauth import codes, families
from auth.oauth.api import docs, wire
from auth.oauth.families import Grant
from core import clock
from core.db import transaction
from core.web.principals import Principal

blueprint = Blueprint("sign_in", __name__, description="Getting tokens, refreshing, signing out")
wire.speak_oauth(blueprint)
blueprint.app_errorhandler(405)(wire.refuse_the_method)


@blueprint.post("/oauth/token")
@blueprint.doc(**docs.TOKEN)
def token() -> Response:
    """Get an access token for an authorization code, or the next one for a refresh token."""
    given = wire.form()
    grant_type = wire.required(given, "grant_type")
    if grant_type == "authorization_code":
        return _redeem(given)
    if grant_type == "refresh_token":
        return _rotate(given)
    return wire.refused(OAuthRefusal("unsupported_grant_type", "Use authorization_code or refresh_token"))


@blueprint.post("/oauth/revoke")
@blueprint.doc(**docs.REVOKE)
def revoke() -> Response:
    """Sign out on this device: its refresh tokens end at once, its access token within ten minutes."""
    given = wire.form()
    presented = wire.required(given, "token")
    if presented.count(".") == 2:
        return wire.refused(OAuthRefusal("unsupported_token_type", "Access tokens run out by themselves"))
    with transaction() as session:
        families.sign_out(session, client_id=given["client_id"], token=presented, now=clock.now())
    return wire.answer({})


def _redeem(given: dict[str, str]) -> Response:
    code, verifier = wire.required(given, "code"), wire.required(given, "code_verifier")
    with transaction() as session:
        outcome = codes.redeem(session, client_id=given["client_id"], code=code, verifier=verifier, now=clock.now())
    return _granted(outcome)


def _rotate(given: dict[str, str]) -> Response:
    presented = wire.required(given, "refresh_token")
    with transaction() as session:
        outcome = families.rotate(session, client_id=given["client_id"], token=presented, now=clock.now())
    return _granted(outcome)


def _granted(outcome: Grant | OAuthRefusal) -> Response:
    if isinstance(outcome, OAuthRefusal):
        return wire.refused(outcome)
    principal = Principal(kind="customer", id=outcome.customer_id)
    access_token = tokens.mint(principal, audience=tokens.APP, client_id=outcome.client_id, now=clock.now())
    return wire.answer(
        {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": int(tokens.TTLS[tokens.APP].total_seconds()),
            "refresh_token": outcome.refresh_token,
        }
    )
