"""The guards of the doors: who comes in with which access token."""

from auth import sandboxes, tokens
from auth.dpop import binding
from auth.tokens import revocations
from core import clock, ids
from core.errors import Unauthenticated
from core.web import unproxied
from core.web.principals import Principal


def customer() -> Principal:
    return _admitted(tokens.APP)


def staff() -> Principal:
    return _admitted(tokens.ADMIN)


def merchant() -> Principal:
    """raises  SandboxBusy for a sandbox's till that has asked too much"""
    principal = _admitted(tokens.MERCHANT)
    if ids.is_sandbox(principal.merchant_id):
        sandboxes.count(principal, now=clock.now())
    return principal


def _admitted(audience: str) -> Principal:
    """raises  Unauthenticated without an access token in the header (nowhere else is looked); TokenRefused where it is
    not good; DpopProofInvalid"""
    scheme, _, token = unproxied.request().headers.get("Authorization", "").partition(" ")
    scheme, token, now = scheme.lower(), token.strip(), clock.now()
    if scheme not in ("bearer", "dpop") or not token:
        raise Unauthenticated

    revocations.look(now)
    principal = tokens.verify(token, audience, now=now)
    if scheme == "dpop" or principal.bound_to is not None:
        binding.check(principal, token, scheme=scheme, now=now)
    return principal
