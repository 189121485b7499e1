"""Others' public keys (RFC 7517), fetched when one is asked for and kept for a day."""

import json
import threading
import time
from typing import Any

import jwt
import requests
import urllib3

from core.errors import Kind, Refusal
from core.gateways import http

_TIMEOUT_SECONDS = 5.0
_MOST_BYTES = 64 * 1024
_KEPT_SECONDS = 24 * 3600.0
#: A key that we do not know may be a new one; whoever makes keys up must not have us ask each time.
_AGAIN_SECONDS = 60.0

#: What reading a set that is none may end in.
_BENT = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


class KeysUnavailable(Refusal):
    code = "provider_unavailable"
    kind = Kind.UNAVAILABLE
    title = "The provider of this identity does not answer just now; try again"
    retry_after_seconds = 5


class KeySet:
    """The keys that stand at one address."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, Any] = {}
        self._fetched_at = self._ask_from = float("-inf")
        self._lock = threading.Lock()
        self._session = requests.Session()
        http.post_once(self._session, api_url=url)

    def find(self, kid: str) -> Any | None:
        """The public key of this name. Where it is not known (any more), its address is asked: so hold no lock.

        raises  KeysUnavailable where nothing is known and nobody answers
        """
        known = self._keys.get(kid)
        if known is not None and time.monotonic() - self._fetched_at < _KEPT_SECONDS:
            return known
        # Who has an old key goes on with it while another one asks; who has none waits for what comes of that.
        if self._lock.acquire(blocking=known is None):
            try:
                if time.monotonic() >= self._ask_from:
                    self._ask()
            finally:
                self._lock.release()
        if not self._keys:
            raise KeysUnavailable
        return self._keys.get(kid)

    def _ask(self) -> None:
        try:
            self._keys = _read(self._fetch())
            self._fetched_at = time.monotonic()
        except (requests.RequestException, urllib3.exceptions.HTTPError, jwt.PyJWTError, *_BENT):
            # What was known holds for as long as they cannot be reached. With nothing known the next one may ask soon,
            # but not each of those who have waited here.
            self._ask_from = time.monotonic() + (_AGAIN_SECONDS if self._keys else 1.0)
        else:
            self._ask_from = time.monotonic() + _AGAIN_SECONDS

    def _fetch(self) -> bytes:
        answer = self._session.get(self._url, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True)
        with answer:
            if answer.status_code != 200:
                raise ValueError("no key set")
            content = answer.raw.read(_MOST_BYTES + 1, decode_content=True)
        if len(content) > _MOST_BYTES:
            raise ValueError("too long")
        return bytes(content)


def _read(content: bytes) -> dict[str, Any]:
    """The RSA keys by their names; others are none that signs an identity. A set of none is an accident of theirs."""
    found = {}
    for member in json.loads(content)["keys"]:
        if member.get("kty") == "RSA" and member.get("use", "sig") == "sig" and isinstance(member.get("kid"), str):
            found[member["kid"]] = jwt.PyJWK.from_dict({"alg": "RS256", **member}).key
    if not found:
        raise ValueError("no keys")
    return found
