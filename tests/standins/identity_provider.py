"""Plays Apple and Google: their keys, Apple's tokens and their revocation, and the id_tokens that their SDKs give.

source  https://developer.apple.com/documentation/sign_in_with_apple and
        https://developers.google.com/identity/openid-connect/openid-connect, read 2026-11
"""

import base64
import json
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.standins.server import Answer, Behaviour

ISSUERS = {"apple": "https://appleid.apple.com", "google": "https://accounts.google.com"}
CLIENT_IDS = {"apple": "app.pocketful.ios", "google": "pocketful.apps.googleusercontent.com"}
TEAM_ID, KEY_ID = "TEAM123456", "KEY1234567"

#: What the brand would have downloaded from Apple; one for all tests.
PRIVATE_KEY = ec.generate_private_key(ec.SECP256R1())
PRIVATE_KEY_PEM = PRIVATE_KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


@dataclass(frozen=True)
class Call:
    path: str
    fields: dict[str, str]


@dataclass
class SigningKey:
    kid: str
    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def jwk(self) -> dict[str, Any]:
        numbers = self.private.public_key().public_numbers()
        n, e = (_b64(number.to_bytes((number.bit_length() + 7) // 8)) for number in (numbers.n, numbers.e))
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": n, "e": e}


#: To make one takes a tenth of a second.
_FIRST = SigningKey("first")


class IdentityProvider:
    """One server for both; which of them an id_token is of, its issuer says."""

    def __init__(self) -> None:
        self.keys = [_FIRST]
        self.calls: list[Call] = []
        self.fetched = 0
        #: Apple's refresh tokens that work.
        self.tokens: set[str] = set()
        #: What is answered in place of the key set.
        self.keys_answer: bytes | None = None
        self._codes: set[str] = set()
        self._script: deque[Behaviour] = deque()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "IdentityProvider":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def will(self, *behaviours: Behaviour) -> None:
        """Meet the next posts so, one each."""
        self._script.extend(behaviours)

    def id_token(
        self, provider: str, subject: str, nonce: Any, *, now: datetime, key: SigningKey | None = None, **changes: Any
    ) -> str:
        """What the SDK gives the app; further claims change it, None leaves one out."""
        key = key or self.keys[-1]
        claims = {
            "iss": ISSUERS[provider],
            "aud": CLIENT_IDS[provider],
            "sub": subject,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=10)).timestamp()),
            "nonce": nonce,
            "email": f"{subject}@example.com",
            "email_verified": "true" if provider == "apple" else True,
        } | changes
        said = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(said, key.private, algorithm="RS256", headers={"kid": key.kid})

    def code(self) -> str:
        """Apple's authorizationCode, which works once."""
        code = f"c.{uuid4().hex}"
        self._codes.add(code)
        return code

    def get(self, path: str) -> bytes | None:
        if path not in ("/auth/keys", "/oauth2/v3/certs"):
            return None
        self.fetched += 1
        if self.keys_answer is not None:
            return self.keys_answer
        return json.dumps({"keys": [key.jwk() for key in self.keys]}).encode()

    def post(self, call: Call) -> Answer | None:
        with self._lock:
            self.calls.append(call)
            behaviour = self._script.popleft() if self._script else Behaviour()
            if behaviour.mode == "fail":
                return Answer(behaviour.status, {})
            if behaviour.mode == "refuse":
                return Answer(400, {"error": behaviour.code})
            if behaviour.mode == "lose":
                return None
            if not _is_ours(call.fields):
                return Answer(400, {"error": "invalid_client"})
            answer = self._token(call.fields) if call.path == "/auth/token" else self._revoked(call.fields)
            return None if behaviour.mode == "drop" else answer

    def _token(self, fields: dict[str, str]) -> Answer:
        if fields.get("grant_type") != "authorization_code" or fields.get("code") not in self._codes:
            return Answer(400, {"error": "invalid_grant"})
        self._codes.remove(fields["code"])
        token = f"r.{uuid4().hex}"
        self.tokens.add(token)
        return Answer(200, {"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": token})

    def _revoked(self, fields: dict[str, str]) -> Answer:
        if fields.get("token_type_hint") != "refresh_token":
            return Answer(400, {"error": "invalid_request"})
        self.tokens.discard(fields.get("token", ""))
        return Answer(200, {})


def _is_ours(fields: dict[str, str]) -> bool:
    """Whether the client secret is what Apple asks for: signed by the team's key, for this client, five minutes."""
    try:
        claims = jwt.decode(
            fields["client_secret"],
            PRIVATE_KEY.public_key(),
            algorithms=["ES256"],
            audience=ISSUERS["apple"],
            issuer=TEAM_ID,
            options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub"]},
        )
        header = jwt.get_unverified_header(fields["client_secret"])
    except (jwt.InvalidTokenError, KeyError):
        return False
    is_short = claims["exp"] - claims["iat"] <= 15_777_000
    return header["kid"] == KEY_ID and claims["sub"] == fields.get("client_id") == CLIENT_IDS["apple"] and is_short


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = provider.get(self.path)
            self._send(404 if content is None else 200, content or b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = provider.post(Call(self.path, dict(parse_qsl(body.decode()))))
            if answer is None:
                self.close_connection = True
                return
            self._send(answer.status, json.dumps(answer.body).encode())

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """A test's output is not for access lines."""

    return Handler
