"""What a sandbox's vouchers are for: each scenario is an answer that a till must know what to do with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from core.money import SANDBOX
from rewards.campaigns import Draft

#: A gift card's value, and what one of the sandbox's own redemptions comes to, which uses vouchers up.
CARD_MINOR = 2_500
USED_MINOR = 1_000
#: Below this a basket is too small for `below_minimum`.
MINIMUM_MINOR = 10_000
ONLY_SKU = "sandbox-only"
CATEGORY = "sandbox"

_BUDGET_MINOR = 10**11
_TENTH: dict[str, object] = {"kind": "percentage", "bps": 1_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A kind of voucher to ask for.

    campaign  by its name in CAMPAIGNS; None: there is no such voucher at all
    answer    "taken", or the code of the refusal
    note      when it is, for whoever reads the list
    holder    whose it is: nobody's (a printed code), the customer's or another customer's
    fate      what has become of it before the till sees it
    """

    campaign: str | None
    answer: str
    note: str
    holder: Literal["nobody", "customer", "other"] = "nobody"
    fate: Literal["", "expired", "used_up", "blocked"] = ""


SCENARIOS: Mapping[str, Scenario] = {
    "accepted": Scenario(campaign="tenth", answer="taken", note="A printed code, for one use: 10 % off."),
    "held": Scenario(
        campaign="tenth", answer="taken", holder="customer", note="In the customer's wallet: apply_best takes it, too."
    ),
    "gift_card": Scenario(campaign="card", answer="taken", holder="customer", note="25.00, as often as some is left."),
    "expired": Scenario(campaign="tenth", answer="voucher_expired", fate="expired", note="It ended a day ago."),
    "used_up": Scenario(campaign="tenth", answer="voucher_used_up", fate="used_up", note="Somebody was first."),
    "blocked": Scenario(campaign="tenth", answer="voucher_unknown", fate="blocked", note="Blocked as lost."),
    "unknown": Scenario(campaign=None, answer="voucher_unknown", note="No such code: it counts as a guess."),
    "mistyped": Scenario(
        campaign=None, answer="voucher_unknown", note="Two characters changed places: a typing error, not a guess."
    ),
    "paused": Scenario(campaign="paused", answer="campaign_not_running", note="Its campaign is paused."),
    "closed_now": Scenario(campaign="closed", answer="campaign_closed_now", note="At one minute of the week alone."),
    "below_minimum": Scenario(campaign="large", answer="minimum_spend", note="With a basket below 100.00."),
    "not_covered": Scenario(
        campaign="scoped", answer="basket_not_covered", note=f"Unless a line's sku is {ONLY_SKU!r}."
    ),
    "limit_reached": Scenario(campaign="limited", answer="limit_reached", note="All uses of its campaign are taken."),
    "budget_exhausted": Scenario(campaign="poor", answer="budget_exhausted", note="Its campaign has no money."),
    "not_in_audience": Scenario(
        campaign="invited", answer="not_in_audience", note="For others; a till that knows nobody is told so, too."
    ),
    "foreign_store": Scenario(campaign="elsewhere", answer="conditions_not_met", note="For another store."),
    "foreign_customer": Scenario(
        campaign="tenth", answer="voucher_unknown", holder="other", note="In a checkout or a visit of this customer."
    ),
    "exclusive": Scenario(campaign="alone", answer="taken", note="Alone; beside another coupon: stacking_excluded."),
}

#: What each campaign is beside what all of them are.
CAMPAIGNS: Mapping[str, dict[str, Any]] = {
    "tenth": {},
    "card": {"kind": "gift_card", "discount": {"kind": "value", "amount_minor": CARD_MINOR}},
    "paused": {"starts_now": False},
    "closed": {"schedule": {"weekly": [{"days": ["sun"], "from": "03:33", "to": "03:34"}]}},
    "large": {"min_spend_minor": MINIMUM_MINOR},
    "scoped": {"skus": [ONLY_SKU]},
    "limited": {"limit_total": 1},
    "poor": {"budget_minor": 0},
    "invited": {},
    "elsewhere": {},
    "alone": {"is_exclusive": True},
}


def drafts(*, store_id: UUID, elsewhere_id: UUID, audience_id: UUID, now: datetime) -> list[tuple[str, Draft]]:
    """The campaigns of one sandbox, good in its two stores alone: so they concern no basket anywhere else.

    elsewhere_id  its store where no till of the integrator's stands; audience_id: of the customer `other`
    """
    here = {"fact": "store.id", "is": "one_of", "value": [str(store_id), str(elsewhere_id)]}
    elsewhere = {"fact": "store.id", "is": "equals", "value": str(elsewhere_id)}
    made = []
    for name, changes in CAMPAIGNS.items():
        given: dict[str, Any] = {
            "name": f"Sandbox: {name}",
            "kind": "coupon",
            "discount": _TENTH,
            "currency": SANDBOX,
            "starts_at": now - timedelta(days=7),
            "ends_at": now + timedelta(days=36_500),
            "limit_per_customer": None,
            "budget_minor": _BUDGET_MINOR,
            "starts_now": True,
            "rule": elsewhere if name == "elsewhere" else here,
            "audience_id": audience_id if name == "invited" else None,
        } | changes
        if given["kind"] == "gift_card":
            given["rule"] = None
        made.append((name, Draft(**given)))
    return made
