"""Registering: a device makes a passkey for an owner who has just shown who they are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import webauthn
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json_dict,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from auth import limits, notices
from auth.limits import Limit
from auth.models import Customer, Staff
from auth.passkeys import asserting, ceremonies, origins
from auth.passkeys.errors import PasskeyRefused, PasskeysFull, PasskeysLimited, PasskeyTaken
from auth.passkeys.events import PasskeyAdded
from auth.passkeys.models import Passkey
from auth.proofs import Owner
from core import crypto, ids
from core.errors import NotFound
from core.events import announce

MOST = 20
#: Each one that is made or removed is told to its owner, by text message where there is no other way.
_A_DAY = Limit("passkeys.day", most=20, window=timedelta(days=1))
NAME_PLACE = "auth.passkey.name"

# Chromium warns where both of the first and the last are not among them.
_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}


def count(session: Session, owner: Owner, *, now: datetime) -> PasskeysLimited | None:
    """Count one more that is begun; the refusal where there were too many, to be raised once it is committed."""
    wait = limits.take(session, [(_A_DAY, owner.name)], now=now)
    if wait is None:
        return None
    refusal = PasskeysLimited()
    refusal.retry_after_seconds = wait
    return refusal


def options(session: Session, owner: Owner, *, name: str, now: datetime) -> tuple[UUID, dict[str, Any]]:
    """The ceremony's id, and what navigator.credentials.create takes as `publicKey`, as JSON.

    name    how the platform's dialogue calls the owner; it goes to the platform's cloud, so no whole number or address
    raises  PasskeysFull
    """
    known = of(session, owner)
    if len(known) >= MOST:
        raise PasskeysFull(most=MOST)
    ceremony = ceremonies.begin(session, purpose=ceremonies.REGISTER, owner=owner, now=now)
    party = origins.relying_party()
    made = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=asserting.user_handle(owner),
        user_name=name,
        challenge=ceremony.challenge,
        timeout=asserting.TIMEOUT,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=asserting.descriptors(known),
        supported_pub_key_algs=_ALGORITHMS,
    )
    return ceremony.id, options_to_json_dict(made)


def add(
    session: Session,
    owner: Owner,
    ceremony_id: UUID,
    credential: Any,
    *,
    name: str | None,
    is_trusted: bool,
    now: datetime,
) -> Passkey:
    """Keep a passkey that was made for the ceremony's challenge.

    name        what its owner calls it
    is_trusted  whether it approves payments at once; else after PASSKEY_WAIT_HOURS
    raises      PasskeyRefused, for whatever is wrong with it; PasskeyTaken; PasskeysFull; NotFound; Erased
    effects     locks the owner's row; announces passkey.added; a customer is told wherever they can be reached
    """
    challenge = ceremonies.take(session, ceremony_id, purpose=ceremonies.REGISTER, owner=owner, now=now)
    verified = _verified(credential, challenge) if challenge is not None else None
    if verified is None:
        raise PasskeyRefused
    _lock(session, owner)
    if session.scalars(select(func.count()).where(_is_of(owner))).one() >= MOST:
        raise PasskeysFull(most=MOST)
    if session.scalar(select(Passkey.id).where(Passkey.credential_id == verified.credential_id)):
        raise PasskeyTaken

    passkey_id = ids.new()
    waits = timedelta(0) if is_trusted else timedelta(hours=origins.relying_party().waits_hours)
    passkey = Passkey(
        id=passkey_id,
        customer_id=owner.customer_id,
        staff_id=owner.staff_id,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        aaguid=UUID(verified.aaguid),
        transports=_transports(credential),
        is_backed_up=verified.credential_backed_up,
        name=None if name is None else sealed_name(session, owner, passkey_id, name),
        made_at=now,
        approves_from=now + waits,
    )
    session.add(passkey)
    session.flush()

    if owner.customer_id:
        notices.tell(session, owner.customer_id, notices.PASSKEY_ADDED, now=now)
    announce(
        session,
        PasskeyAdded(customer_id=owner.customer_id, staff_id=owner.staff_id, occurred_at=now, passkey_id=passkey_id),
    )
    return passkey


def of(session: Session, owner: Owner) -> list[Passkey]:
    """The owner's passkeys, oldest first."""
    return list(session.scalars(select(Passkey).where(_is_of(owner)).order_by(Passkey.id)))


def sealed_name(session: Session, owner: Owner, passkey_id: UUID, name: str) -> bytes:
    """raises  Erased"""
    return crypto.seal(session, owner_id=owner.id, place=NAME_PLACE, row_id=passkey_id, text=name)


def _verified(credential: Any, challenge: bytes) -> VerifiedRegistration | None:
    if not asserting.is_readable(credential):
        return None
    party = origins.relying_party()
    try:
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
        # The library keeps a key that is no point of its curve: it would never sign anybody in.
        decoded_public_key_to_cryptography(decode_credential_public_key(verified.credential_public_key))
        # CTAP 2.1 section 5.1: longer ids are nobody's.
        is_ours = asserting.is_from_own_page(credential) and len(verified.credential_id) <= 1023
    except Exception:  # bent input gets KeyError, ValueError and more out of the library, beside its own refusals
        return None
    return verified if is_ours else None


def _transports(credential: dict[str, Any]) -> Sequence[str]:
    """How the device can be reached, as far as we know the words; they only make the browser's dialogue shorter."""
    told = credential["response"].get("transports")
    return (
        sorted(_TRANSPORTS.intersection(word for word in told if isinstance(word, str)))
        if isinstance(told, list)
        else []
    )


def _lock(session: Session, owner: Owner) -> None:
    """Two registrations of one owner wait for each other: the most that one may have is counted."""
    kind = Customer if owner.customer_id else Staff
    if session.scalar(select(kind.id).where(kind.id == owner.id).with_for_update(key_share=True)) is None:
        raise NotFound


def _is_of(owner: Owner) -> Any:
    return Passkey.customer_id == owner.customer_id if owner.customer_id else Passkey.staff_id == owner.staff_id
