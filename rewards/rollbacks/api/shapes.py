"""What comes in and goes out where things are given back, between the wire's shapes and ours."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core import clock
from core.web import idempotent, principals
from rewards.rollbacks.lines import Asked
from rewards.rollbacks.redeemed import Redeemed
from rewards.rollbacks.reversing import Reversed
from rewards.rollbacks.rows import Deed, Rollback


def deed(reason: str | None) -> Deed:
    """The rollback that this request asks for.

    raises  KeyMissing
    """
    return Deed(
        principal=f"rollback:{principals.current().name}",
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        reason=reason,
        at=clock.now(),
    )


def lines(given: Sequence[dict[str, Any]] | None) -> list[Asked] | None:
    if given is None:
        return None
    return [
        Asked(
            position=line["position"],
            quantity=Decimal(line["quantity"]) if "quantity" in line else None,
            amount_minor=line.get("amount_minor"),
        )
        for line in given
    ]


def rollback(made: Rollback) -> dict[str, Any]:
    return {
        "id": made.id,
        "kind": made.kind,
        "checkout_id": made.checkout_id,
        "redemption_id": made.redemption_id,
        "amount": _money(made.amount_minor, made.currency),
        "at_till": _money(made.at_till_minor, made.currency),
        "lines": [dict(zip(("position", "amount_minor", "quantity"), line, strict=True)) for line in made.lines],
        "redemptions": [
            dict(zip(("redemption_id", "amount_minor", "is_whole"), each, strict=True)) for each in made.redemptions
        ],
        "refund_id": made.transfer_id,
        "reason": made.reason,
        "rolled_back_at": made.made_at,
    }


def redemption(found: Redeemed) -> dict[str, Any]:
    return {
        "id": found.id,
        "voucher_id": found.voucher_id,
        "campaign_id": found.campaign_id,
        "amount": _money(found.amount_minor, found.currency),
        "till_reference": found.till_reference,
        "redeemed_at": found.redeemed_at,
        "state": found.state,
        "back": _money(found.back_minor, found.currency),
        "rolled_back_at": found.rolled_back_at,
    }


def reversal(done: Reversed) -> dict[str, Any]:
    of = done.reversal
    amount = None
    if of.amount_minor is not None and of.currency is not None:
        amount = _money(of.amount_minor, of.currency)
    return {
        "till_reference": of.till_reference,
        "payment_id": of.payment_id,
        "redemption_id": done.redemption_id,
        "amount": amount,
        "at_till": None if done.currency is None else _money(done.at_till_minor, done.currency),
        "reversed_at": of.reversed_at,
    }


def _money(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}
