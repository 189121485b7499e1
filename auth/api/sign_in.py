"""The sign-in door. OAuth 2 says how its bodies and errors look, so flask-smorest only documents these routes."""

from flask import Response, current_app, request
from flask_smorest import Blueprint
from werkzeug.exceptions import HTTPException

from auth import authorization_codes, phones, pkce, sign_ins, token_families, tokens
from auth.api import oauth, oauth_docs
from auth.errors import OAuthRefusal, PhoneInvalid
from auth.token_families import Grant
from core import clock
from core.db import transaction
from core.errors import Kind, Refusal
from core.web.principals import Principal
from core.web.problems import STATUSES, from_http

blueprint = Blueprint("sign_in", __name__, description="Signing in, refreshing, signing out")


@blueprint.errorhandler(oauth.OAuthError)
def _refuse(error: oauth.OAuthError) -> Response:
    return oauth.refused(error.refusal)


@blueprint.errorhandler(Refusal)
def _refuse_in_oauths_words(refusal: Refusal) -> Response:
    """What the house itself refuses (a body that cannot be read, a database that is away) in OAuth's own shape."""
    error = "temporarily_unavailable" if refusal.kind is Kind.UNAVAILABLE else "invalid_request"
    return oauth.refused(
        OAuthRefusal(
            error, refusal.detail, status=STATUSES[refusal.kind], retry_after_seconds=refusal.retry_after_seconds
        )
    )


@blueprint.app_errorhandler(405)
def _refuse_the_method(error: HTTPException) -> Response:
    """A wrong method reaches no view, hence no blueprint: only the app can answer, by the path."""
    answer = from_http(error)
    if not request.path.startswith("/oauth/"):
        return answer
    refused = oauth.refused(OAuthRefusal("invalid_request", "Send a POST", status=405))
    refused.headers["Allow"] = answer.headers["Allow"]
    return refused


@blueprint.post("/oauth/authorize-challenge")
@blueprint.doc(**oauth_docs.CHALLENGE)
def challenge() -> Response:
    """Sign in with a phone number: first the number, then the code that was texted to it."""
    given = oauth.form()
    if "auth_session" in given:
        return _prove(given)
    return _begin(given)


@blueprint.post("/oauth/token")
@blueprint.doc(**oauth_docs.TOKEN)
def token() -> Response:
    """Get an access token for an authorization code, or the next one for a refresh token."""
    given = oauth.form()
    grant_type = oauth.required(given, "grant_type")
    if grant_type == "authorization_code":
        return _redeem(given)
    if grant_type == "refresh_token":
        return _rotate(given)
    return oauth.refused(OAuthRefusal("unsupported_grant_type", "Use authorization_code or refresh_token"))


@blueprint.post("/oauth/revoke")
@blueprint.doc(**oauth_docs.REVOKE)
def revoke() -> Response:
    """Sign out on this device: its refresh tokens end at once, its access token within ten minutes."""
    given = oauth.form()
    presented = oauth.required(given, "token")
    if presented.count(".") == 2:
        return oauth.refused(OAuthRefusal("unsupported_token_type", "Access tokens run out by themselves"))
    with transaction() as session:
        token_families.sign_out(session, client_id=given["client_id"], token=presented, now=clock.now())
    return oauth.answer({})


@blueprint.get("/.well-known/jwks.json")
@blueprint.doc(**oauth_docs.KEYS)
def keys() -> Response:
    """The keys that our access tokens verify against."""
    response = oauth.answer(tokens.key_set())
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.get("/.well-known/oauth-authorization-server")
@blueprint.doc(**oauth_docs.METADATA)
def metadata() -> Response:
    """Where everything is (RFC 8414)."""
    issuer = tokens.issuer()
    response = oauth.answer(
        {
            "issuer": issuer,
            "authorization_challenge_endpoint": f"{issuer}/oauth/authorize-challenge",
            "token_endpoint": f"{issuer}/oauth/token",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
        }
    )
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _begin(given: dict[str, str]) -> Response:
    if given.get("response_type", "code") != "code":
        return oauth.refused(OAuthRefusal("unsupported_response_type", "The only response_type is code"))
    code_challenge = oauth.required(given, "code_challenge")
    if given.get("code_challenge_method") != "S256" or not pkce.is_challenge(code_challenge):
        raise oauth.invalid("PKCE is needed, with code_challenge_method S256")
    try:
        phone = phones.normalised(oauth.required(given, "login_hint"))
    except PhoneInvalid as error:
        raise oauth.invalid(f"login_hint: {error.detail}") from error

    with transaction() as session:
        refusal = sign_ins.begin(
            session,
            client_id=given["client_id"],
            phone=phone,
            code_challenge=code_challenge,
            locale=oauth.locale_of(given),
            address=request.remote_addr or "",
            brand_name=current_app.extensions["settings"].brand_name,
            now=clock.now(),
        )
    return oauth.refused(refusal)


def _prove(given: dict[str, str]) -> Response:
    handle, otp = given["auth_session"], oauth.required(given, "otp")
    with transaction() as session:
        outcome = sign_ins.prove(
            session,
            handle=handle,
            client_id=given["client_id"],
            otp=otp,
            address=request.remote_addr or "",
            now=clock.now(),
        )
    if isinstance(outcome, OAuthRefusal):
        return oauth.refused(outcome)
    return oauth.answer({"authorization_code": outcome})


def _redeem(given: dict[str, str]) -> Response:
    code, verifier = oauth.required(given, "code"), oauth.required(given, "code_verifier")
    with transaction() as session:
        outcome = authorization_codes.redeem(
            session, client_id=given["client_id"], code=code, verifier=verifier, now=clock.now()
        )
    return _granted(outcome)


def _rotate(given: dict[str, str]) -> Response:
    presented = oauth.required(given, "refresh_token")
    with transaction() as session:
        outcome = token_families.rotate(session, client_id=given["client_id"], token=presented, now=clock.now())
    return _granted(outcome)


def _granted(outcome: Grant | OAuthRefusal) -> Response:
    if isinstance(outcome, OAuthRefusal):
        return oauth.refused(outcome)
    principal = Principal(kind="customer", id=outcome.customer_id)
    access_token = tokens.mint(principal, audience=tokens.APP, client_id=outcome.client_id, now=clock.now())
    return oauth.answer(
        {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": int(tokens.TTLS[tokens.APP].total_seconds()),
            "refresh_token": outcome.refresh_token,
        }
    )
