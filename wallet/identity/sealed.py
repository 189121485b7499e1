"""The provider's tokens of a check, sealed under its customer's own key."""

import json
from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto
from core.gateways.identity import Handover
from wallet.identity.models import IdentityCheck

_DOCUMENT, _HANDOVER = "identity_check.document", "identity_check.handover"


def document(session: Session, customer_id: UUID, check_id: UUID, token: str | None) -> bytes | None:
    """raises  Erased where the customer is"""
    if token is None:
        return None
    return crypto.seal(session, owner_id=customer_id, place=_DOCUMENT, row_id=check_id, text=token)


def opened_document(session: Session, check: IdentityCheck) -> str | None:
    """The document's token; None where there is none, or its customer is erased."""
    return _opened(session, check, _DOCUMENT, check.document)


def keep_handover(session: Session, check: IdentityCheck, handover: Handover) -> None:
    """Keep what opens the provider's screens; an erased customer has no use for it."""
    if handover == Handover():
        return
    text = json.dumps([handover.token, handover.url])
    try:
        check.handover = crypto.seal(session, owner_id=check.customer_id, place=_HANDOVER, row_id=check.id, text=text)
    except crypto.Erased:
        check.handover = None


def opened_handover(session: Session, check: IdentityCheck) -> Handover:
    """What the app opens the provider's screens with; empty once it has served."""
    text = _opened(session, check, _HANDOVER, check.handover)
    return Handover() if text is None else Handover(*json.loads(text))


def _opened(session: Session, check: IdentityCheck, place: str, ciphertext: bytes | None) -> str | None:
    if ciphertext is None:
        return None
    try:
        return crypto.unseal(session, owner_id=check.customer_id, place=place, row_id=check.id, ciphertext=ciphertext)
    except crypto.Erased:
        return None
