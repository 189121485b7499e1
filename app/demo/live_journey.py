"""The one journey that runs live on top of the replayed days, published as staff would publish it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.db import transaction
from engage import journeys
from rewards import campaigns
from rewards.campaigns import Draft

BIG_BASKET_MINOR = 100_00
GIFT_MINOR = 5_00
VOUCHER_DAYS = 14
WAIT = timedelta(days=7)
BUDGET_MINOR = 20_000_00
# Long enough that whoever tries the demo out today can still get a voucher of it.
CAMPAIGN_LASTS = timedelta(days=365 * 40)


@dataclass(frozen=True, slots=True)
class LiveJourney:
    journey_id: UUID
    campaign_id: UUID


def publish(*, currency: str, actor: str, now: datetime) -> LiveJourney:
    """A basket of 100.00 or more brings a voucher of 5.00; who has not used it within a week is reminded."""
    with transaction() as session:
        draft = Draft(
            name="Thanks for a big basket",
            kind="coupon",
            discount={"kind": "amount", "amount_minor": GIFT_MINOR},
            currency=currency,
            starts_at=now,
            ends_at=now + CAMPAIGN_LASTS,
            voucher_days=VOUCHER_DAYS,
            budget_minor=BUDGET_MINOR,
            starts_now=True,
        )
        campaign_id = campaigns.create(session, draft, actor=actor, now=now)
    with transaction() as session:
        journey = journeys.create(session, name="After a big basket", holdout_bps=0, actor=actor, now=now)
        session.flush()
        journeys.publish(session, journey_id=journey.id, raw_graph=_graph(campaign_id), actor=actor, now=now)
        return LiveJourney(journey.id, campaign_id)


def _graph(campaign_id: UUID) -> dict[str, Any]:
    big = {"field": "total_minor", "is": "at_least", "value": BIG_BASKET_MINOR}
    return {
        "trigger": {"event": "order.completed", "where": big},
        "re_entry": "never",
        "first": "gift",
        "steps": {
            "gift": {"kind": "issue_voucher", "campaign_id": str(campaign_id), "next": "tell"},
            "tell": _message("5.00 off your next basket: show {{ voucher.code }} at the till.", next_step="wait"),
            "wait": {
                "kind": "wait",
                "for_event": "voucher.redeemed",
                "timeout_seconds": int(WAIT.total_seconds()),
                "on_event": "redeemed",
                "on_timeout": "remind",
            },
            "redeemed": {"kind": "exit", "reason": "redeemed"},
            "remind": _message("Your 5.00 are still waiting: {{ voucher.code }}.", next_step="reminded"),
            "reminded": {"kind": "exit", "reason": "reminded"},
        },
    }


def _message(body: str, *, next_step: str) -> dict[str, Any]:
    return {
        "kind": "message",
        "channel": ["push", "sms"],
        "purpose": "marketing",
        "template": {"title": "Thank you for shopping with us", "body": body},
        "next": next_step,
    }
