"""Stripe's webhooks, read for the few facts that we act on. What else stands in them (names, addresses) is not kept.

source  https://docs.stripe.com/webhooks and /api/events/types, read 2026-11
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from core.gateways import signatures
from core.gateways.payments import Notice
from core.gateways.stripe_amounts import from_stripe

Standing = Literal["inquiry", "open", "lost", "won"]

#: A warning asks questions and takes no money yet; what was prevented or only asked for ends as if we had won.
_STANDINGS: Mapping[str, Standing] = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "needs_response": "open",
    "under_review": "open",
    "lost": "lost",
    "won": "won",
    "warning_closed": "won",
    "prevented": "won",
}


def read(body: bytes, header: str, *, secrets: Sequence[str], at: datetime) -> Notice:
    """raises  signatures.Forged"""
    signatures.check(header, body, secrets=secrets, at=at)
    try:
        event = json.loads(body)
        notice = _READERS[event["type"]](_text(event["id"]), event["data"]["object"])
        return replace(notice, told_at_seconds=int(event.get("created") or 0))
    except (KeyError, TypeError, ValueError, AttributeError):
        return Notice(id="", kind="other")  # of another kind, or another system's on the same account


def _charged(event_id: str, intent: dict[str, Any]) -> Notice:
    currency = intent["currency"].upper()
    amount = from_stripe(int(intent["amount_received"]), currency)
    return Notice(event_id, "charged", _reference(intent), _text(intent["id"]), amount, currency)


def _declined(event_id: str, intent: dict[str, Any]) -> Notice:
    error = intent.get("last_payment_error") or {}
    code = error.get("decline_code") or error.get("code") or "card_declined"
    return Notice(event_id, "declined", _reference(intent), _text(intent["id"]), code=str(code))


def _canceled(event_id: str, intent: dict[str, Any]) -> Notice:
    return Notice(event_id, "canceled", _reference(intent), _text(intent["id"]), code="canceled")


def _action_needed(event_id: str, intent: dict[str, Any]) -> Notice:
    return Notice(event_id, "action_needed", _reference(intent), _text(intent["id"]))


def _refunded(event_id: str, charge: dict[str, Any]) -> Notice:
    currency = charge["currency"].upper()
    amount = from_stripe(int(charge["amount_refunded"]), currency)
    return Notice(event_id, "refunded", _reference(charge), _text(charge["payment_intent"]), amount, currency)


def _refund_failed(event_id: str, refund: dict[str, Any]) -> Notice:
    """The bank could not take the money, days later: Stripe has it again."""
    currency = refund["currency"].upper()
    return Notice(
        event_id,
        "refund_failed",
        None,
        _text(refund["payment_intent"]),
        from_stripe(int(refund["amount"]), currency),
        currency,
        code=refund.get("failure_reason"),
        refund=_text(ours) if (ours := (refund.get("metadata") or {}).get("refund_id")) else None,
    )


def _disputed(event_id: str, dispute: dict[str, Any]) -> Notice:
    currency = dispute["currency"].upper()
    return Notice(
        event_id,
        "disputed",
        None,
        _text(dispute["payment_intent"]),
        from_stripe(int(dispute["amount"]), currency),
        currency,
        code=dispute.get("reason"),
        dispute=_text(dispute["id"]),
        standing=_STANDINGS[dispute["status"]],
    )


def _reference(told: dict[str, Any]) -> str | None:
    ours = (told.get("metadata") or {}).get("topup_id")
    return None if ours is None else _text(ours)


def _text(name: object) -> str:
    """A name that Stripe gave. A charge that no payment intent made has null for it, and so is none of ours: taken for
    a name, it would fit each top-up whose charge has no name yet.

    raises  TypeError
    """
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is no name")
    return name


_READERS: Mapping[str, Callable[[str, dict[str, Any]], Notice]] = {
    "payment_intent.succeeded": _charged,
    "payment_intent.payment_failed": _declined,
    "payment_intent.canceled": _canceled,
    "payment_intent.requires_action": _action_needed,
    "charge.refunded": _refunded,
    "refund.failed": _refund_failed,
    "charge.dispute.created": _disputed,
    "charge.dispute.updated": _disputed,
    "charge.dispute.funds_withdrawn": _disputed,
    "charge.dispute.funds_reinstated": _disputed,
    "charge.dispute.closed": _disputed,
}
