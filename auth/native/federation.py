"""Signing in by Apple or Google: they say who it is, and the first time a phone number is proved beside it.

A customer is a number: whoever came in by Apple alone one day and by their number the next would have two wallets.
"""

import json
import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth import customers, notices, opaque
from auth.errors import OAuthRefusal
from auth.federated import checking, identities, providers
from auth.federated.checking import Claimed, Verified
from auth.federated.errors import IdentityExists, IdentityTaken
from auth.native import attempts, otp, sign_ins, signing_in
from auth.native.attempts import Caller, Opening
from auth.native.models import SignIn
from auth.proofs import ONE_FACTOR, Proved
from auth.step_up import demands
from core import crypto

MAX_TRIES = 3

_PLACE = "auth.sign_in.identity"


def begin(session: Session, caller: Caller, opening: Opening, *, provider: str, now: datetime) -> OAuthRefusal:
    """Give the nonce that Apple or Google has to repeat."""
    if providers.find(provider) is None:
        return OAuthRefusal("invalid_request", "This method is not set up here")
    handle, row = attempts.open_by(session, caller, opening, method=provider, now=now)
    return _token_needed(row, handle, "Sign in there with this nonce, and send the id_token")


def provider_of(session: Session, handle: str) -> str:
    """By which provider an attempt began; empty where by none: its token is looked at before anything is locked."""
    method = session.scalar(select(SignIn.method).where(SignIn.handle == opaque.kept("auth_session", handle)))
    return method if method in attempts.PROVIDERS else ""


def answer(
    session: Session,
    caller: Caller,
    *,
    handle: str,
    verified: Verified | None,
    provider_code: str | None,
    now: datetime,
) -> str | OAuthRefusal:
    """Try what a provider said. A nonce is answered once, so that a wrong answer is given another.

    verified       what `checking.verify` made of the token, outside any transaction
    provider_code  Apple's authorization code, with which the link can be ended at Apple's one day
    """
    row = attempts.waiting(session, caller, handle, now=now)
    if isinstance(row, OAuthRefusal):
        return row
    if row.method not in attempts.PROVIDERS or row.challenge is None:
        return attempts.not_waited_for("an id_token")
    if verified is None or verified.claimed.provider != row.method or not checking.answers(verified, row.challenge):
        return _count_wrong(row, handle)

    row.challenge = None
    customer_id = identities.find(session, verified.claimed, now=now)
    if customer_id is None:
        row.identity = _sealed(session, row, verified.claimed, provider_code)
        row.expires_at = now + otp.CODE_TTL
        return OAuthRefusal(
            "insufficient_authorization",
            "Nobody has linked this yet: send a phone number as login_hint",
            extra={"auth_session": handle, "methods": ["phone"]},
        )
    row.state = "proved"
    proved = signing_in.known(session, customer_id, acr=ONE_FACTOR, amr=("fed",), now=now)
    return attempts.finish(session, caller, row, proved, now=now)


def send_code(
    session: Session, caller: Caller, *, handle: str, phone: str, channel: str | None, now: datetime
) -> OAuthRefusal:
    """Send a code to the number (E.164) that is to belong to an identity which nobody has linked."""
    row = attempts.waiting(session, caller, handle, now=now)
    if isinstance(row, OAuthRefusal):
        return row
    if row.identity is None:
        return attempts.not_waited_for("a phone number")
    outcome = otp.send(
        session,
        row,
        handle,
        phone=phone,
        channel=channel,
        address=caller.address,
        settings=caller.settings,
        now=now,
    )
    return outcome if isinstance(outcome, OAuthRefusal) else attempts.code_needed(outcome)


def link(session: Session, row: SignIn, proved: Proved, *, now: datetime) -> Proved | OAuthRefusal:
    """Link the identity that an attempt began with to the customer whose number was proved in it.

    returns  `access_denied` where the customer has a passkey, which linking asks for in the app as well: whoever stole
             the number would come in by this for ever; where they have another identity of this provider, or somebody
             linked this one meanwhile
    effects  announces identity.linked; who was a customer before is told everywhere
    """
    if demands.strongest_of(session, proved.owner) != proved.acr:
        return OAuthRefusal("access_denied", "Sign in by your passkey, and link this account in the app")
    customer_id = proved.owner.id
    claimed, provider_code = _opened(session, row)
    try:
        identities.link(session, customer_id, claimed, provider_code=provider_code, now=now)
    except (IdentityExists, IdentityTaken) as refusal:
        return OAuthRefusal("access_denied", refusal.title)
    if customers.find(session, customer_id).created_at < now:
        notices.tell(session, customer_id, notices.IDENTITY_LINKED, now=now)
    return Proved(owner=proved.owner, auth_time=now, acr=proved.acr, amr=("fed", *proved.amr))


def _token_needed(row: SignIn, handle: str, description: str) -> OAuthRefusal:
    row.challenge = secrets.token_bytes(32)
    extra = {"auth_session": handle, "nonce": checking.spell(row.challenge)}
    return OAuthRefusal("insufficient_authorization", description, extra=extra)


def _count_wrong(row: SignIn, handle: str) -> OAuthRefusal:
    refusal = sign_ins.count_wrong(row, handle, "This sign-in does not work here", most=MAX_TRIES)
    if row.state == "waiting":
        refusal.extra.update(_token_needed(row, handle, "").extra)
    return refusal


def _sealed(session: Session, row: SignIn, claimed: Claimed, provider_code: str | None) -> bytes:
    text = json.dumps([claimed.written(), provider_code])
    return crypto.seal(session, owner_id=row.id, place=_PLACE, row_id=row.id, text=text)


def _opened(session: Session, row: SignIn) -> tuple[Claimed, str | None]:
    assert row.identity is not None
    text = crypto.unseal(session, owner_id=row.id, place=_PLACE, row_id=row.id, ciphertext=row.identity)
    claimed, provider_code = json.loads(text)
    return Claimed.read(claimed), provider_code
