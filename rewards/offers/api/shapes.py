"""Offers, between the wire's shapes and ours."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from core.db import Connection
from rewards.baskets import Basket
from rewards.offers.checking import Checked, Validation
from rewards.offers.combining import Combination
from rewards.offers.qualifying import Offer, Qualification

#: By campaign, its name and its discount as staff wrote it.
Named = Mapping[UUID, dict[str, Any]]


def qualification(connection: Connection, found: Qualification, currency: str) -> dict[str, Any]:
    """With one more statement, for the campaigns' names."""
    campaign_ids = [each.terms.campaign_id for each in found.offers]
    campaign_ids += [each.terms.campaign_id for each in found.nearly]
    rows = connection.execute("SELECT id, name, discount FROM rewards.campaign WHERE id = ANY(%s)", [campaign_ids])
    named = {row[0]: {"campaign_id": row[0], "name": row[1], "discount": row[2]} for row in rows}
    nearly = [
        {
            **named[each.terms.campaign_id],
            "worth": _money(each.worth_minor, currency),
            "missing": _money(each.missing_minor, currency),
        }
        for each in found.nearly
    ]
    return {
        "offers": [_offer(each, named, currency) for each in found.offers],
        "nearly": nearly,
        "best": _best(found.best, currency),
    }


def validation(found: Validation, basket: Basket, currency: str) -> dict[str, Any]:
    refusal = found.refusal
    taken = sum([use.amount_minor for use in found.uses])
    return {
        "is_valid": refusal is None,
        "total": _money(basket.total_minor, currency),
        "rest": _money(basket.total_minor - taken, currency),
        "vouchers": [
            {
                "voucher_id": use.voucher.id,
                "campaign_id": use.voucher.terms.campaign_id,
                "amount": _money(use.amount_minor, currency),
                "lines": [list(part) for part in use.lines],
            }
            for use in found.uses
        ],
        "left_out": [{"voucher": each.place, "code": each.code} for each in found.left_out],
        "refusal": None if refusal is None else {"code": refusal.code, "title": str(refusal.title), **refusal.facts},
    }


def checked(found: Checked, currency: str) -> dict[str, Any]:
    return {
        "is_met": found.reason.is_met,
        "worth": _money(found.worth_minor, currency),
        "conditions": found.reason.conditions,
        "reason": found.reason.rule,
    }


def _offer(offer: Offer, named: Named, currency: str) -> dict[str, Any]:
    terms = offer.terms
    return {
        **named[terms.campaign_id],
        "worth": _money(offer.worth_minor, currency),
        "category": terms.category,
        "is_exclusive": terms.is_exclusive,
        "vouchers": [{"id": own.id, "last4": own.last4, "expires_at": own.expires_at} for own in offer.vouchers],
        "needs_code": not offer.vouchers,
        "expires_at": offer.expires_at,
    }


def _best(best: Combination, currency: str) -> dict[str, Any]:
    return {
        "total": _money(best.total_minor, currency),
        "vouchers": [
            {"voucher_id": each.candidate.id, "amount": _money(each.amount_minor, currency)} for each in best.chosen
        ],
        "left_out": [
            {
                "voucher_id": each.candidate.id,
                "code": each.code,
                "worth": _money(each.candidate.priced.worth_minor, currency),
                **each.facts,
            }
            for each in best.left_out
        ],
        "is_exact": best.is_exact,
    }


def _money(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}
