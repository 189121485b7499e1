"""Top-ups, shaped for their schemas."""

from typing import Any

from core.gateways.payments import ActionNeeded, Method
from wallet.topups.models import AutoTopup, Topup, TopupRefund


def topup(kept: Topup, action: ActionNeeded | None = None, *, publishable_key: str = "") -> dict[str, Any]:
    shown = {"client_secret": action.client_secret, "publishable_key": publishable_key} if action else None
    return {
        "id": kept.id,
        "amount": money(kept.amount_minor, kept.currency),
        "state": kept.state,
        "decline_code": kept.decline_code,
        "refunded": money(kept.refunded_minor, kept.currency),
        "created_at": kept.created_at,
        "action": shown,
    }


def staff_topup(kept: Topup) -> dict[str, Any]:
    return {
        "id": kept.id,
        "customer_id": kept.customer_id,
        "amount": money(kept.amount_minor, kept.currency),
        "status": kept.state,
        "way": kept.way,
        "provider_reference": kept.provider_reference,
        "decline_code": kept.decline_code,
        "refunded": money(kept.refunded_minor, kept.currency),
        "last_error": kept.last_error,
        "created_at": kept.created_at,
    }


def staff_refund(kept: TopupRefund, currency: str) -> dict[str, Any]:
    return {
        "id": kept.id,
        "topup_id": kept.topup_id,
        "amount": money(kept.amount_minor, currency),
        "status": kept.state,
        "decline_code": kept.decline_code,
        "created_at": kept.created_at,
    }


def method(found: Method) -> dict[str, Any]:
    year, month = found.expires or (None, None)
    return {
        "id": found.id,
        "kind": found.kind,
        "brand": found.brand,
        "last4": found.last4,
        "expires_year": year,
        "expires_month": month,
    }


def auto_topup(kept: AutoTopup) -> dict[str, Any]:
    return {
        "below": money(kept.below_minor, kept.currency),
        "amount": money(kept.amount_minor, kept.currency),
        "payment_method": kept.payment_method,
        "state": "paused" if kept.state == "paused" else "active",
        "last_decline": kept.last_error,
    }


def money(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}
