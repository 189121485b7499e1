"""Opaque secrets: what a client holds is random text, what we keep is its HMAC."""

import secrets

from core import crypto


def new() -> str:
    """256 random bits, as text that needs no escaping anywhere."""
    return secrets.token_urlsafe(32)


def kept(purpose: str, secret: str) -> bytes:
    """What is stored of a secret. It opens nothing, and finds it again when it is presented."""
    return crypto.blind_index(f"auth.{purpose}", secret)
