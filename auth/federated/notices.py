"""What Apple tells us of itself: that somebody has ended the link there, or has no account there any more.

source  https://developer.apple.com/documentation/sign_in_with_apple/processing-changes-for-sign-in-with-apple-accounts,
        read 2026-11
"""

import json
from datetime import UTC, datetime
from typing import Any

from auth.federated import checking, identities, providers
from auth.federated.models import APPLE
from core.db import transaction
from core.gateways.signatures import Forged

#: Both spellings are sent. What else comes is about addresses that Apple forwards, which nobody is known by.
_ENDED = {"consent-revoked", "account-delete", "account-deleted"}


def take(body: bytes, *, now: datetime) -> None:
    """Take one notice. Twice, late or about a stranger, it changes nothing.

    raises   Forged for what Apple did not sign for us; KeysUnavailable
    effects  announces provider_identity.unlinked
    """
    apple = providers.find(APPLE)
    if apple is None:
        raise Forged
    try:
        payload = json.loads(body)["payload"]
        if len(payload) > checking.MAX_LENGTH or not payload.isascii():
            raise Forged
        claims = checking.signed(apple, payload, require=("iat", "events"))
        told_at = _told_at(claims, now)
        event: dict[str, Any] = json.loads(claims["events"])
        index = checking.index_of(apple, event["sub"])
        has_ended = event["type"] in _ENDED
    except (*checking.BENT, AttributeError) as error:
        raise Forged from error
    if has_ended:
        with transaction() as session:
            identities.end(session, index, told_at=told_at, now=now)


def _told_at(claims: dict[str, Any], now: datetime) -> datetime:
    told_at = claims["iat"]
    if type(told_at) is not int or told_at - checking.SKEW_SECONDS > now.timestamp():
        raise ValueError("not yet told")
    return datetime.fromtimestamp(told_at, UTC)
