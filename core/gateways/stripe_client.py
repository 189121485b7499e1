"""Stripe's SDK, held so that it asks once, ends in time and tells Stripe nothing of the machine."""

import logging

import requests
import stripe

from core.gateways import http
from core.gateways.outcomes import Unknown
from core.gateways.payments import Declined

#: Pinned, so that an upgrade of the account or of the SDK changes nothing of what we read.
VERSION = "2026-10-28.endive"

log = logging.getLogger("pocketful.gateways")


def build(*, secret_key: str, api_url: str | None) -> stripe.StripeClient:
    """effects  switches the SDK's telemetry off, for the whole process"""
    stripe.enable_telemetry = False
    session = requests.Session()
    http.post_once(session, api_url=api_url)
    return stripe.StripeClient(
        secret_key,
        stripe_version=VERSION,
        base_addresses={"api": api_url.rstrip("/")} if api_url else None,
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=(http.TIMEOUT_SECONDS, http.TIMEOUT_SECONDS), session=session),
    )


def of_error(error: stripe.StripeError) -> Declined | Unknown:
    """What an exception of the SDK means for money that was asked for.

    CardError             the bank said no
    InvalidRequestError   it can never be done as asked (an unknown method, an amount under Stripe's least)
    AuthenticationError,  our key is wrong: nobody is charged, and nobody's charge waits for it to be mended
    PermissionError
    IdempotencyError,     a twin is at it, or money may have moved under the key already
    RateLimitError,       asked again later
    APIConnectionError,   nobody can tell
    APIError
    """
    if isinstance(error, stripe.CardError):
        return Declined(code=_decline_code(error))
    if isinstance(error, stripe.InvalidRequestError):
        return Declined(code=error.code or "invalid_request")
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        log.error("Stripe refuses our key", extra={"http_status": error.http_status})
        return Declined(code="provider_not_configured")
    if isinstance(error, stripe.APIConnectionError):
        return Unknown(reason=type(error.__cause__ or error).__name__)
    if isinstance(error, stripe.RateLimitError):
        return Unknown(reason="rate_limited")
    if isinstance(error, stripe.IdempotencyError):
        return Unknown(reason="idempotency_mismatch")
    return Unknown(reason=f"http_{error.http_status}" if error.http_status else type(error).__name__)


def is_frozen_failure(error: stripe.StripeError) -> bool:
    """Whether Stripe tells an earlier 5xx again: it will for as long as it knows the key."""
    return (error.http_status or 0) >= 500 and _headers(error).get("idempotent-replayed") == "true"


def _decline_code(error: stripe.CardError) -> str:
    told = getattr(error.error, "decline_code", None)
    # What the bank wants proven is told in `code`; its decline_code is the same word or a generic one.
    return str(error.code if error.code == "authentication_required" else told or error.code or "card_declined")


def _headers(error: stripe.StripeError) -> dict[str, str]:
    return {name.lower(): value.lower() for name, value in (error.headers or {}).items()}
