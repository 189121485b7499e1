"""What comes in and goes out of the doors of rewards, between the wire's shapes and ours."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from rewards.baskets import Basket, Line
from rewards.campaigns.results import CampaignResult
from rewards.checkouts import Checkout
from rewards.redemption.evidence import BEST, Reference
from rewards.redemption.recording import Redemption
from rewards.vouchers import Voucher
from rewards.vouchers.holdings import Holding


def basket(given: dict[str, Any]) -> Basket:
    return Basket(tuple([Line(**line) for line in given["lines"]]))


def references(args: dict[str, Any]) -> Any:
    """The vouchers of a checkout: ids where they look like ids, else codes."""
    return BEST if args["apply_best"] else tuple([_reference(text) for text in args["vouchers"]])


def campaign(found: CampaignResult) -> dict[str, Any]:
    return {
        **asdict(found),
        "funded": _money(found.funded_minor, found.currency),
        "budget_left": _money(found.budget_left_minor, found.currency),
        "redeemed": _money(found.redeemed_minor, found.currency),
    }


def publication(given: Voucher) -> dict[str, Any]:
    return {
        "id": given.id,
        "campaign_id": given.campaign_id,
        "customer_id": given.customer_id,
        "code": given.code if given.customer_id is None else None,
        "last4": given.code[-4:],
        "expires_at": given.expires_at,
        "issued_at": given.issued_at,
    }


def voucher(held: Holding) -> dict[str, Any]:
    value = None if held.value_minor is None else _money(held.value_minor, held.currency)
    return {**asdict(held), "value": value}


def redemption(made: Redemption) -> dict[str, Any]:
    return {
        "id": made.id,
        "voucher_id": made.voucher_id,
        "campaign_id": made.campaign_id,
        "amount": _money(made.amount_minor, made.currency),
        "till_reference": made.till_reference,
        "redeemed_at": made.redeemed_at,
    }


def checkout(taken: Checkout) -> dict[str, Any]:
    return {
        "id": taken.id,
        "total": _money(taken.total_minor, taken.currency),
        "discount": _money(taken.discount_minor, taken.currency),
        "gift": _money(taken.gift_minor, taken.currency),
        "paid": _money(taken.paid_minor, taken.currency),
        "at_till": _money(taken.at_till_minor, taken.currency),
        "redemptions": [redemption(made) for made in taken.redemptions],
        "left_out": [{"voucher": place, "code": code} for place, code in taken.left_out],
        "payment_id": taken.transfer_id,
        "till_reference": taken.till_reference,
        "completed_at": taken.completed_at,
    }


def _reference(text: str) -> Reference:
    try:
        return UUID(text) if len(text) == 36 else text
    except ValueError:
        return text


def _money(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}
