"""Scopes: what an access token may be used for, as a client asks for it."""

import re

from auth.errors import OAuthRefusal
from auth.oauth.clients import Client

OPENID, OFFLINE, DEVICE_SSO = "openid", "offline_access", "device_sso"
PROFILE, PHONE, EMAIL = "profile", "phone", "email"
ALL = (OPENID, OFFLINE, DEVICE_SSO, PROFILE, PHONE, EMAIL)

_MOST = 1_000
_SHAPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*\Z")


def parse(client: Client, text: str) -> str | OAuthRefusal:
    """The scopes that a client asks for, each once and in its own order. One that it may not have is refused, not
    dropped; none is none."""
    if not text:
        return ""
    if len(text) > _MOST or not _SHAPE.match(text):
        return _refused()
    asked = list(dict.fromkeys(text.split(" ")))
    return " ".join(asked) if set(asked) <= set(client.scopes) else _refused()


def narrowed(granted: str, asked: str) -> str | OAuthRefusal:
    """What a refresh asks for of what was granted (RFC 6749 section 6)."""
    if not asked:
        return granted
    wanted = asked.split(" ")
    if not set(wanted) <= set(granted.split(" ")):
        return OAuthRefusal("invalid_scope", "A refresh can only ask for what was granted")
    return " ".join(dict.fromkeys(wanted))


def left(client: Client, granted: str) -> str:
    """What of it the client may still have: staff may have taken some of it back since."""
    return " ".join(name for name in granted.split(" ") if name in client.scopes)


def has(scope: str, name: str) -> bool:
    return name in scope.split(" ")


def _refused() -> OAuthRefusal:
    return OAuthRefusal("invalid_scope", "This client may not ask for one of these scopes")
