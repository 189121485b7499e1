"""PKCE (RFC 7636), S256 only: a code is worth nothing to who lacks the verifier behind its challenge."""

import base64
import hashlib
import hmac
import re

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")


def is_challenge(text: str) -> bool:
    return bool(_CHALLENGE.match(text))


def matches(verifier: str, challenge: str) -> bool:
    """Whether this verifier is well-formed and its SHA-256 is the challenge."""
    return bool(_VERIFIER.match(verifier)) and hmac.compare_digest(challenge_of(verifier), challenge)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
