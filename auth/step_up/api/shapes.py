"""Approvals, as the door shows them."""

from datetime import datetime
from typing import Any

from auth.step_up.models import APPROVED, WAITING, StepUp


def approval(kept: StepUp, *, now: datetime) -> dict[str, Any]:
    is_over = kept.status in (WAITING, APPROVED) and now >= kept.expires_at
    return {
        "id": kept.id,
        "status": "lapsed" if is_over else kept.status,
        "purpose": kept.purpose,
        "payment_id": kept.payment_id,
        "amount": {"amount_minor": kept.amount_minor, "currency": kept.currency},
        "expires_at": kept.expires_at,
    }
