"""The guards of the doors: who comes in with which access token."""

from flask import request

from auth import sandboxes, tokens
from auth.tokens import revocations
from core import clock, ids
from core.errors import Unauthenticated
from core.web.principals import Principal


def customer() -> Principal:
    return _bearer(tokens.APP)


def staff() -> Principal:
    return _bearer(tokens.ADMIN)


def merchant() -> Principal:
    """raises  SandboxBusy for a sandbox's till that has asked too much"""
    principal = _bearer(tokens.MERCHANT)
    if ids.is_sandbox(principal.merchant_id):
        sandboxes.count(principal, now=clock.now())
    return principal


def _bearer(audience: str) -> Principal:
    """raises  Unauthenticated without a Bearer token in the header (nowhere else is looked); TokenRefused"""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    now = clock.now()
    revocations.look(now)
    return tokens.verify(token.strip(), audience, now=now)
