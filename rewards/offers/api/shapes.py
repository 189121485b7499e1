"""Offers, between the wire's shapes and ours."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from core.db import Connection
from rewards.baskets import Basket
from rewards.offers.checking import Checked, Validation
from rewards.offers.combining import Combination
from rewards.offers.others import Others
from rewards.offers.qualifying import Asked, Nearly, Offer, Qualification
from rewards.offers.standing import Own
from rewards.redemption import reasons
from rewards.terms import Terms

#: By campaign, its id, its name and its discount as staff wrote it.
Named = Mapping[UUID, dict[str, Any]]


def qualification(connection: Connection, found: Qualification, asked: Asked) -> dict[str, Any]:
    """With one more statement, for the campaigns' names."""
    named = _named(connection, [each.terms for each in found.offers] + [each.missing.terms for each in found.nearly])
    next_ = found.next_
    return {
        "offers": [_offer(each, named, asked.currency) for each in found.offers],
        "nearly": [_nearly(each, named, asked.currency) for each in found.nearly],
        "best": {
            **_best(found.best, named, asked),
            "next": None if next_ is None else _nearly(next_, named, asked.currency),
        },
    }


def others(connection: Connection, found: Others) -> dict[str, Any]:
    named = _named(connection, [each.case.terms for each in found.explained])
    return {
        "others": [
            {
                **named[each.case.terms.campaign_id],
                "voucher_id": each.case.voucher.id if each.case.voucher else None,
                "code": each.code,
                "conditions": each.reason.conditions,
                "reason": each.reason.rule,
            }
            for each in found.explained
        ],
        "other_codes": found.counts,
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


def checked(found: Checked, currency: str, *, for_owner: bool = False) -> dict[str, Any]:
    reason = reasons.for_owner(found.reason) if for_owner else found.reason
    return {
        "is_met": found.reason.is_met,
        "worth": _money(found.worth_minor, currency),
        "conditions": reason.conditions,
        "reason": reason.rule,
    }


def _offer(offer: Offer, named: Named, currency: str) -> dict[str, Any]:
    terms = offer.terms
    return {
        **named[terms.campaign_id],
        "worth": _money(offer.worth_minor, currency),
        "category": terms.category,
        "is_exclusive": terms.is_exclusive,
        "vouchers": _own(offer.vouchers),
        "needs_code": not offer.vouchers,
        "expires_at": offer.expires_at,
    }


def _nearly(each: Nearly, named: Named, currency: str) -> dict[str, Any]:
    return {
        **named[each.missing.terms.campaign_id],
        "worth": _money(each.missing.worth_minor, currency),
        "missing": _money(each.missing.missing_minor, currency),
        "gain": _money(each.gain_minor, currency),
        "vouchers": _own(each.vouchers),
        "needs_code": not each.vouchers,
    }


def _own(vouchers: Sequence[Own]) -> list[dict[str, Any]]:
    return [{"id": own.id, "last4": own.last4, "expires_at": own.expires_at} for own in vouchers]


def _best(best: Combination, named: Named, asked: Asked) -> dict[str, Any]:
    currency = asked.currency
    return {
        "total": _money(best.total_minor, currency),
        "rest": _money(asked.basket.total_minor - best.total_minor, currency),
        "vouchers": [
            {
                "voucher_id": each.candidate.id,
                **named[each.candidate.terms.campaign_id],
                "amount": _money(each.amount_minor, currency),
                "lines": [list(part) for part in each.lines],
            }
            for each in best.chosen
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


def _named(connection: Connection, campaigns: Sequence[Terms]) -> Named:
    campaign_ids = [each.campaign_id for each in campaigns]
    rows = connection.execute("SELECT id, name, discount FROM rewards.campaign WHERE id = ANY(%s)", [campaign_ids])
    return {row[0]: {"campaign_id": row[0], "name": row[1], "discount": row[2]} for row in rows}


def _money(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}
