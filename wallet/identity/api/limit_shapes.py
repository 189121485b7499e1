"""Limits, shaped for their schemas."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from wallet import limits
from wallet.identity.api.limit_schemas import PERIODS
from wallet.limits import Left


def of_customer(session: Session, customer_id: UUID, *, now: datetime) -> dict[str, Any]:
    """The customer's tier with what is left of each of its limits."""
    found, tier = limits.of_customer(session, customer_id, now=now), limits.tier_of(session, customer_id)
    above = [
        {"scope": rule.scope, "above": {"amount_minor": rule.step_up_above, "currency": rule.asset}}
        for rule in limits.rules(session)
        if rule.tier == tier and rule.step_up_above is not None
    ]
    return {"tier": tier, "items": [_item(left) for left in found], "approvals": above}


def _item(left: Left) -> dict[str, Any]:
    return {
        "scope": left.scope,
        "limit": left.measure,
        "period": PERIODS.get(left.measure),
        "unit": "transfers" if left.measure == "count_per_hour" else "minor",
        "currency": left.asset,
        "maximum": left.maximum,
        "used": left.used,
        "left": left.left,
        "renews_at": left.renews_at,
    }
