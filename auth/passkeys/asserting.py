"""Asserting: a passkey signs a challenge, and so says who is there."""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import webauthn
from sqlalchemy import select
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

from auth.passkeys import origins
from auth.passkeys.models import Passkey
from auth.proofs import Owner
from core import crypto

#: How long the platform's dialogue stays open, in milliseconds.
TIMEOUT = 120_000

#: A credential as JSON: an assertion takes about 1 KB, a registration with a certificate about 5.
MOST_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """Who is there, by which passkey. amr: RFC 8176; a key that the platform copies is software's."""

    passkey: Passkey
    owner: Owner
    amr: tuple[str, ...]


def options(challenge: bytes, *, passkeys: Sequence[Passkey] | None) -> dict[str, Any]:
    """What navigator.credentials.get takes as `publicKey`, as JSON.

    passkeys  of whom is to be asked; None: whichever the device has for us
    """
    made = webauthn.generate_authentication_options(
        rp_id=origins.relying_party().id,
        challenge=challenge,
        timeout=TIMEOUT,
        allow_credentials=None if passkeys is None else descriptors(passkeys),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(made)


def check(
    session: Session, credential: Any, *, challenge: bytes, owner: Owner | None, now: datetime
) -> Asserted | None:
    """Who answered the challenge; None for every reason why it is nobody. The caller sees to it that a challenge is
    answered once.

    credential  as PublicKeyCredential.toJSON() gives it
    owner       whose passkey it has to be; None: anybody's
    effects     locks the passkey's row, and moves its counter
    """
    credential_id = _credential_id(credential)
    if credential_id is None:
        return None
    query = select(Passkey).where(Passkey.credential_id == credential_id)
    passkey = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if passkey is None or owner not in (None, passkey.owner):
        return None

    party = origins.relying_party()
    try:
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
        is_ours = is_from_own_page(credential) and _names(credential, passkey.owner)
    except Exception:  # bent input gets KeyError, ValueError and more out of the library, beside its own refusals
        return None
    if not is_ours:
        return None

    passkey.sign_count, passkey.used_at = verified.new_sign_count, now
    passkey.is_backed_up = verified.credential_backed_up
    session.flush()
    return Asserted(passkey=passkey, owner=passkey.owner, amr=("swk" if passkey.is_backed_up else "hwk", "user"))


def user_handle(owner: Owner) -> bytes:
    """By which a platform knows our owner: no id of ours, and nothing personal."""
    return crypto.blind_index("auth.passkey.user", owner.name)[:16]


def descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id,
            transports=[AuthenticatorTransport(transport) for transport in passkey.transports] or None,
        )
        for passkey in passkeys
    ]


def is_from_own_page(credential: dict[str, Any]) -> bool:
    """Whether no page of somebody else's had ours in a frame: the library lets that pass."""
    told = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
    return told.get("crossOrigin", False) is False and "topOrigin" not in told


def is_readable(credential: Any) -> bool:
    """Whether it is worth a closer look: a JSON object of some size."""
    try:
        return isinstance(credential, dict) and len(json.dumps(credential)) <= MOST_CHARACTERS
    except RecursionError:  # brackets in brackets
        return False


def _names(credential: dict[str, Any], owner: Owner) -> bool:
    """Whether the device says the same of whose passkey it is, where it says anything."""
    told = credential["response"].get("userHandle")
    return told is None or hmac.compare_digest(base64url_to_bytes(told), user_handle(owner))


def _credential_id(credential: Any) -> bytes | None:
    if not is_readable(credential) or not isinstance(credential.get("rawId"), str):
        return None
    try:
        return base64url_to_bytes(credential["rawId"]) or None
    except ValueError:
        return None
