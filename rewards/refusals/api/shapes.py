"""Refusals, from ours to the wire's shapes."""

from typing import Any

from rewards.errors import NotInAudience
from rewards.redemption import reasons
from rewards.redemption.reasons import CODES, Reason
from rewards.refusals.models import VoucherRefusal


def for_owner(kept: VoucherRefusal) -> dict[str, Any]:
    """Who was held out when they showed what is theirs now is told what the till was told."""
    reason = reasons.for_owner(_reason(kept))
    code = NotInAudience.code if kept.code == CODES["held_out"] else kept.code
    return {**_plain(kept), "code": code, "conditions": reason.conditions, "reason": reason.rule}


def for_staff(kept: VoucherRefusal, *, reads_customers: bool) -> dict[str, Any]:
    """Without what it tells of the customer, where they are not to be read."""
    reason = _reason(kept)
    return {
        **_plain(kept),
        "campaign_id": kept.campaign_id,
        "customer_id": kept.customer_id if reads_customers else None,
        "merchant_id": kept.merchant_id,
        "terminal_id": kept.terminal_id,
        "conditions": reason.conditions,
        "reason": reason.rule if reads_customers else None,
    }


def _reason(kept: VoucherRefusal) -> Reason:
    return Reason(kept.reason["conditions"], kept.reason["rule"])


def _plain(kept: VoucherRefusal) -> dict[str, Any]:
    return {
        "id": kept.id,
        "voucher_id": kept.voucher_id,
        "store_id": kept.store_id,
        "code": kept.code,
        "total": {"amount_minor": kept.total_minor, "currency": kept.currency},
        "refused_at": kept.refused_at,
    }
