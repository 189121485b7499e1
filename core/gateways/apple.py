"""Sign in with Apple's own addresses: the token of an authorization code, and revoking it.

source  https://developer.apple.com/documentation/sign_in_with_apple, read 2026-11
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core.errors import ConfigurationError
from core.gateways import http
from core.gateways.outcomes import Refused, Retry, Unknown

ADDRESS = "https://appleid.apple.com"
_SECRET_TTL = timedelta(minutes=5)

#: Ours to mend: the team, the key or the client id.
_OF_OUR_SET_UP = {"invalid_client", "unauthorized_client", "unsupported_grant_type"}


@dataclass(frozen=True, slots=True)
class Exchanged:
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Revoked:
    """Apple knows of the token no more, or never did."""


class Apple:
    def __init__(self, *, team_id: str, key_id: str, private_key: str, api_url: str | None = None) -> None:
        """raises  ConfigurationError"""
        self._team_id, self._key_id, self._key = team_id, key_id, _read_key(private_key)
        self._url = (api_url or ADDRESS).rstrip("/")
        self._session = requests.Session()
        http.post_once(self._session, api_url=api_url)

    def exchange(self, code: str, *, client_id: str, now: datetime) -> Exchanged | Refused | Retry | Unknown:
        """The refresh token of a code. A code works once, and for five minutes."""
        answer = self._post(
            "/auth/token", {"grant_type": "authorization_code", "code": code}, client_id=client_id, now=now
        )
        if not isinstance(answer, requests.Response):
            return answer
        token = _member(answer, "refresh_token")
        return Exchanged(token) if token else Unknown("no refresh_token")

    def revoke(self, refresh_token: str, *, client_id: str, now: datetime) -> Revoked | Refused | Retry | Unknown:
        """Revoking twice is the same as once."""
        told = {"token": refresh_token, "token_type_hint": "refresh_token"}
        answer = self._post("/auth/revoke", told, client_id=client_id, now=now)
        return Revoked() if isinstance(answer, requests.Response) else answer

    def _post(
        self, path: str, told: dict[str, str], *, client_id: str, now: datetime
    ) -> requests.Response | Refused | Retry | Unknown:
        body = {"client_id": client_id, "client_secret": self._secret(client_id, now), **told}
        try:
            answer = self._session.post(
                self._url + path, data=body, timeout=http.TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            outcome = http.outcome_of_exception(error)
            return outcome if isinstance(outcome, Retry) else Unknown(type(error).__name__)
        if answer.status_code == 200:
            return answer
        if 400 <= answer.status_code < 500 and answer.status_code not in (408, 429):
            code = _member(answer, "error")
            # Without a word of Apple's it was somebody on the way there who refused.
            return Refused(
                code=code or f"http_{answer.status_code}", permanent=bool(code) and code not in _OF_OUR_SET_UP
            )
        outcome = http.outcome_of_status(answer.status_code, answer.headers)
        return outcome if isinstance(outcome, Retry) else Unknown(f"http_{answer.status_code}")

    def _secret(self, client_id: str, now: datetime) -> str:
        claims = {"iss": self._team_id, "iat": now, "exp": now + _SECRET_TTL, "aud": ADDRESS, "sub": client_id}
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._key_id})


def _read_key(text: str) -> ec.EllipticCurvePrivateKey:
    """raises  ConfigurationError"""
    try:
        key = serialization.load_pem_private_key(text.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError("APPLE_PRIVATE_KEY is not the content of a .p8 file") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigurationError("APPLE_PRIVATE_KEY is not a P-256 key")
    return key


def _member(answer: requests.Response, name: str) -> str:
    try:
        body: Any = answer.json()
    except ValueError:
        return ""
    value = body.get(name) if isinstance(body, dict) else None
    return value[:2_000] if isinstance(value, str) else ""
