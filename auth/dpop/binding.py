"""What a request has to prove: at the protocol's routes the key that is bound, at the doors the one that was.

How far a client goes with it: "no" (a proof is looked at and binds nothing), "offered" (who proves a key when signing
in has to prove it at each refresh and step-up), "required" (nobody comes in without), "always" (each request as well).
"""

from datetime import datetime

from auth.dpop import proofs, replays
from auth.dpop.errors import DpopNeeded, DpopProofInvalid
from auth.dpop.proofs import Proven
from auth.errors import OAuthRefusal
from auth.oauth.errors import OAuthError
from auth.oauth.models import TokenFamily
from auth.tokens import TokenRefused
from core.db import statement, transaction
from core.settings import Settings
from core.web import unproxied
from core.web.principals import Principal

_every_request = False


def load(settings: Settings) -> None:
    global _every_request
    _every_request = settings.dpop_every_request


def level_of(client_level: str, kind: str) -> str:
    """How far a client of this kind goes, by its own row and DPOP_EVERY_REQUEST."""
    return "always" if _every_request and kind == "app" else client_level


def presented(now: datetime) -> Proven | None:
    """The key that this request to the protocol proves; None where it says nothing of one.

    raises   OAuthError invalid_dpop_proof
    effects  the proof is used from now on, whatever becomes of the request
    """
    if "DPoP" not in unproxied.request().headers:
        return None
    proven = _taken(now)
    if proven is None:
        raise OAuthError(OAuthRefusal("invalid_dpop_proof", "The DPoP proof is not of this request, or was used"))
    return proven


def check(principal: Principal, access_token: str, *, scheme: str, now: datetime) -> None:
    """That a token which is bound to a key comes with its proof, and one that is not comes without (RFC 9449
    section 7.1): what is bound is good for nothing as Bearer.

    raises   TokenRefused, DpopProofInvalid
    effects  the proof is used from now on
    """
    if (scheme == "dpop") != (principal.bound_to is not None):
        raise _refused(scheme)
    proven = _taken(now, access_token)
    if proven is None or proven.jkt != principal.bound_to:
        raise DpopProofInvalid


def demand(principal: Principal, now: datetime) -> None:
    """That this request proves the key that its principal's refresh tokens are bound to, where they are.

    raises   DpopNeeded, DpopProofInvalid
    effects  the proof is used from now on
    """
    if principal.family_id is None or principal.bound_to is not None:  # the door has asked already
        return
    with transaction() as session:
        family = session.get(TokenFamily, principal.family_id)
    if family is None or family.jkt is None:
        return
    given = unproxied.request().headers
    if "DPoP" not in given:
        raise DpopNeeded
    proven = _taken(now, given.get("Authorization", "").partition(" ")[2].strip())
    if proven is None or proven.jkt != family.jkt:
        raise DpopProofInvalid


def _taken(now: datetime, access_token: str | None = None) -> Proven | None:
    """The proof of this request, used by it. Two headers come as one with a comma, which no proof has."""
    given = unproxied.request()
    proven = proofs.read(
        given.headers.get("DPoP", ""), method=given.method, path=given.path, now=now, access_token=access_token
    )
    if proven is None:
        return None
    with statement() as connection:
        return proven if replays.take(connection, proven) else None


def _refused(scheme: str) -> TokenRefused:
    refused = TokenRefused()
    if scheme == "dpop":
        refused.challenge = 'DPoP realm="pocketful", algs="ES256 EdDSA", error="invalid_token"'
    return refused
