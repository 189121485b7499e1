"""What has to happen before a request gets its code: signing in, consent, or nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from auth.authorizing.deciding import Asked
from auth.errors import OAuthRefusal
from auth.proofs import MULTI_FACTOR, ONE_FACTOR, PHISHING_RESISTANT, Proved

_STRENGTHS = {ONE_FACTOR: 1, MULTI_FACTOR: 2, PHISHING_RESISTANT: 3}


class Next(Enum):
    CODE = "code"
    LOGIN = "login"
    CONSENT = "consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of the browser that asks.

    proved         who is signed in there; None: nobody whom this client may have
    is_fresh       they signed in for this very request
    is_other       the request's id_token_hint names somebody else
    is_let_in      what the client asks for was granted before; has_consented: just now, for this very request
    """

    proved: Proved | None
    is_fresh: bool = False
    is_other: bool = False
    is_let_in: bool = True
    has_consented: bool = False


def decide(asked: Asked, situation: Situation, *, now: datetime) -> Next | OAuthRefusal:
    """What comes next; with `prompt=none`, where nothing may be shown, the refusal that says what would have to be."""
    proved = situation.proved
    is_silent = "none" in asked.prompts
    if proved is None or (not situation.is_fresh and _has_to_sign_in_again(asked, situation, proved, now)):
        return OAuthRefusal("login_required", "Nobody is signed in as asked") if is_silent else Next.LOGIN
    if situation.is_other:
        return OAuthRefusal("login_required", "Somebody else signed in than id_token_hint names")
    if not is_met(asked, proved):
        return OAuthRefusal("unmet_authentication_requirements", "Nobody signed in as strongly as acr_values asks")
    if _has_to_consent(asked, situation):
        return (
            OAuthRefusal("consent_required", "The customer has not let this client in") if is_silent else Next.CONSENT
        )
    return Next.CODE


def is_met(asked: Asked, proved: Proved) -> bool:
    """Whether a sign-in is as strong as the weakest that is asked for; strengths that nobody here knows are not."""
    known = [_STRENGTHS[name] for name in asked.acr_values if name in _STRENGTHS]
    return not known or _STRENGTHS.get(proved.acr, 0) >= min(known)


def _has_to_sign_in_again(asked: Asked, situation: Situation, proved: Proved, now: datetime) -> bool:
    is_too_old = asked.max_age is not None and now >= proved.auth_time + timedelta(seconds=asked.max_age)
    is_asked_for = bool(asked.prompts & {"login", "select_account"})
    return is_asked_for or is_too_old or situation.is_other or not is_met(asked, proved)


def _has_to_consent(asked: Asked, situation: Situation) -> bool:
    if asked.client.is_first_party:
        return False
    # A yes is worth what was granted by it, to this customer, and not taken back since.
    return not situation.is_let_in or ("consent" in asked.prompts and not situation.has_consented)
