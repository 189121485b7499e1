"""What callers are told of how much they may still ask for (draft-ietf-httpapi-ratelimit-headers-11)."""

from flask import Response

from core.web import addresses, rates, unproxied
from core.web.principals import Principal
from core.web.rates import RateLimited


def count(principal: Principal | None) -> None:
    """Count this request: its principal's, or its network address's where nobody is known.

    raises  RateLimited
    """
    kind, subject = (principal.kind, principal.name) if principal is not None else ("address", _network())
    try:
        unproxied.g().rate = rates.check(kind, subject)
    except RateLimited as refusal:
        unproxied.g().rate = refusal.standing
        raise


def put(response: Response) -> Response:
    """Write the headers of an answer to a request that was counted."""
    standing = unproxied.g().get("rate")
    if standing is not None:
        response.headers["RateLimit-Policy"] = f'"minute";q={standing.most};w=60'
        response.headers["RateLimit"] = f'"minute";r={standing.left};t={standing.resets_in_seconds}'
    return response


def _network() -> str:
    return addresses.network_of(unproxied.request().remote_addr or "")
