"""Stripe Identity's VerificationSessions over plain HTTP: the app shows Stripe's sheet, which takes the pictures.

A session is never read for what stood in the document: Stripe keeps that, we keep the session's name and the verdict.
source  https://docs.stripe.com/api/identity/verification_sessions and
        https://docs.stripe.com/identity/verification-sessions, read 2026-11
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import requests

from core.gateways import http, signatures
from core.gateways.identity import Handover, IdentityOutcome, Notice, Standing, Verdict
from core.gateways.outcomes import Outcome, Refused, Retry, Unknown

API_URL = "https://api.stripe.com"
#: Pinned, so that an upgrade of the account changes nothing of what we read.
VERSION = "2024-06-20"

#: What cannot be read as a session.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)


class StripeIdentity:
    """One VerificationSession a check, with a live picture that must match the document."""

    name = "stripe_identity"

    def __init__(self, *, api_key: str, webhook_secrets: Sequence[str], api_url: str | None = None) -> None:
        self._sessions = f"{(api_url or API_URL).rstrip('/')}/v1/identity/verification_sessions"
        self._headers = {"Authorization": f"Bearer {api_key}", "Stripe-Version": VERSION}
        self._webhook_secrets = webhook_secrets
        self._http = requests.Session()
        http.post_once(self._http, api_url=api_url)

    def submit(self, *, reference: UUID, document_token: str | None) -> IdentityOutcome:
        """document_token: Stripe has none; its sheet takes the document."""
        fields = {
            "type": "document",
            "client_reference_id": str(reference),
            "metadata[check_id]": str(reference),
            "options[document][require_live_capture]": "true",
            "options[document][require_matching_selfie]": "true",
        }
        # The key makes a second asking the same session; Stripe forgets it after a day.
        return self._call("POST", self._sessions, data=fields, headers={"Idempotency-Key": str(reference)})

    def ask(self, provider_reference: str) -> IdentityOutcome:
        return self._call("GET", f"{self._sessions}/{quote(provider_reference, safe='')}")

    def notice(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> Notice | None:
        signatures.check(headers.get("Stripe-Signature", ""), body, secrets=self._webhook_secrets, at=at)
        try:
            session = json.loads(body)["data"]["object"]
            if session["object"] != "identity.verification_session":
                return None
            return Notice(UUID(session["metadata"]["check_id"]), _standing(session))
        except _UNREADABLE:
            return None  # another system's on the same account

    def _call(
        self, method: str, url: str, *, data: dict[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> IdentityOutcome:
        try:
            answer = self._http.request(
                method, url, data=data, headers={**self._headers, **(headers or {})}, timeout=http.TIMEOUT_SECONDS
            )
        except requests.RequestException as error:
            return _of_failure(http.outcome_of_exception(error))
        if answer.status_code == 409:  # a twin is at it under the same key
            return Retry(code="stripe_idempotency_in_use")
        if answer.status_code == 429 or not 200 <= answer.status_code < 500:
            return _of_failure(http.outcome_of_status(answer.status_code, answer.headers))
        try:
            told = answer.json()
            return _standing(told) if answer.ok else _refusal(answer.status_code, told)
        except _UNREADABLE:
            return Unknown(reason=f"http_{answer.status_code}_unreadable")


def _standing(session: dict[str, Any]) -> Standing:
    """A session's status as a verdict; `requires_input` is one only once the customer has tried and failed."""
    verdict = None
    if session["status"] == "verified":
        verdict = Verdict(True)
    elif session["status"] == "canceled":
        verdict = Verdict(False, ("canceled",))
    elif session["status"] == "requires_input" and session.get("last_error"):
        verdict = Verdict(False, (str(session["last_error"].get("code") or "unspecified")[:100],))
    return Standing(str(session["id"]), verdict, Handover(session.get("client_secret"), session.get("url")))


def _refusal(status: int, told: dict[str, Any]) -> Refused:
    error = told["error"]
    # Keys and permissions are ours to mend, so the check may be submitted once they are.
    return Refused(code=f"stripe_{error.get('code') or error.get('type')}", permanent=status not in (401, 403))


def _of_failure(outcome: Outcome) -> IdentityOutcome:
    return outcome if isinstance(outcome, Retry) else Unknown(reason=getattr(outcome, "reason", "unexpected"))
