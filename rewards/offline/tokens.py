"""Offline tokens: which voucher, by which phone, until when and on what terms, signed by the brand.

What a phone shows, as a QR or as text, is `<token>~<step>~<proof>`. The step counts 30 seconds since 1970 (UTC), and
the proof is the phone's signature of that step and the token: a screenshot of it is worth nothing a minute later.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rewards.offline import phone_keys, till_terms
from rewards.offline.errors import OfflineProofInvalid, OfflineProofStale, OfflineTokenForged
from rewards.offline.phone_keys import PhoneKey
from rewards.offline.signing import Signer, unb64url
from rewards.offline.till_terms import TillTerms

STEP_SECONDS = 30

#: A proof holds in its own step and in those beside it: clocks differ, and a picture takes time to be read.
STEPS_BESIDE = 1

#: With the proof behind it, this still is a QR that tills read off a telephone (version 27 or less, at level L).
MOST_CHARACTERS = 1_300
MOST_SCANNED = 2_000

_SCANNED = re.compile(r"([\w.-]+)~(\d{1,12})~([\w-]+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token says. claims: as they were signed"""

    id: UUID
    voucher_id: UUID
    issued_at: datetime
    expires_at: datetime
    key: PhoneKey
    terms: TillTerms
    claims: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a till has scanned, the brand's signature found good. text: the token's own"""

    token: Token
    text: str
    step: int
    proof: str

    def check_proof(self, at: datetime) -> None:
        """Whether the phone has shown it just then.

        raises  OfflineProofInvalid; OfflineProofStale
        """
        try:
            signature = unb64url(self.proof)
        except ValueError as error:
            raise OfflineProofInvalid from error
        if not self.token.key.has_signed(text_to_prove(self.text, self.step), signature):
            raise OfflineProofInvalid
        if abs(step_at(at) - self.step) > STEPS_BESIDE:
            raise OfflineProofStale


def claims_of(
    *, token_id: UUID, voucher_id: UUID, issued_at: datetime, expires_at: datetime, key: PhoneKey, terms: TillTerms
) -> dict[str, Any]:
    """JSON-ready. `cnf` names the phone's key (RFC 7800)."""
    return {
        "jti": str(token_id),
        "voucher": str(voucher_id),
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "cnf": {"jwk": key.jwk},
        **terms.claims,
    }


def read(scanned: str, signer: Signer) -> Shown:
    """raises  OfflineTokenForged for whatever no phone of ours has shown"""
    parts = _SCANNED.fullmatch(scanned)
    if parts is None:
        raise OfflineTokenForged
    claims = signer.verify(parts[1])
    try:
        token = Token(
            id=UUID(claims["jti"]),
            voucher_id=UUID(claims["voucher"]),
            issued_at=datetime.fromtimestamp(claims["iat"], UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            key=phone_keys.of_jwk(claims["cnf"]["jwk"]),
            terms=till_terms.of_claims(claims),
            claims=claims,
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise OfflineTokenForged from error
    return Shown(token, parts[1], int(parts[2]), parts[3])


def text_to_prove(token: str, step: int) -> str:
    """What a phone signs, each step anew."""
    return "\n".join(["pocketful-offline-1", str(step), hashlib.sha256(token.encode()).hexdigest()])


def step_at(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS
