"""Limits: how often a campaign's coupons may be used, or for how much, by scope and by period.

    {"scope": "total" | "customer" | "store", "measure": "uses" | "amount", "period": "ever" | "day" | "week" | "month",
     "most": 100}

Periods are those of the brand's calendar, a week begins on Monday (ISO 8601). Amounts are minor units of the campaign's
currency. `limit_total` and `limit_per_customer` are the limits of uses for ever, and stand by themselves.
"""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.money import MAX_AMOUNT_MINOR
from core.notes import Notes
from rewards import counters
from rewards.counters import CountedUse
from rewards.terms import Terms
from wallet.assets import brand_time_zone

SCOPES = ("total", "customer", "store")
MEASURES = ("uses", "amount")
PERIODS = ("ever", "day", "week", "month")

_MEMBERS = frozenset({"scope", "measure", "period", "most"})
_WORDS = {"scope": SCOPES, "measure": MEASURES, "period": PERIODS}
_MOST_LIMITS = 20
#: What the terms say in a member of their own.
_ELSEWHERE = {("total", "uses", "ever"): "limit_total", ("customer", "uses", "ever"): "limit_per_customer"}


def counted(
    terms: Terms, *, customer_id: UUID | None, store_id: UUID | None, amount_minor: int, at: datetime
) -> list[CountedUse]:
    """What one use at that moment takes from the campaign's counters, with their caps; whom nobody knows has none."""
    uses = [CountedUse(name, 1, cap) for name, cap in terms.limits(customer_id)]
    if terms.limit_terms:
        local = at.astimezone(ZoneInfo(brand_time_zone()))
        for limit in terms.limit_terms:
            scope = _scope(limit["scope"], customer_id, store_id)
            if scope is not None:
                name = (terms.campaign_id, scope, limit["measure"], bucket(limit["period"], local))
                uses.append(CountedUse(name, 1 if limit["measure"] == "uses" else amount_minor, limit["most"]))
    return uses


def bucket(period: str, local: datetime) -> str:
    """The name of the period in which a moment of the brand's clock lies: 2026-11-22, 2026-W47, 2026-11; '' for ever"""
    match period:
        case "day":
            return local.date().isoformat()
        case "week":
            year, week, _ = local.isocalendar()
            return f"{year}-W{week:02}"
        case "month":
            return f"{local:%Y-%m}"
    return counters.FOR_EVER


def parse(raw: Any, notes: Notes, *, is_gift_card: bool) -> None:
    """Note what is wrong with limits that somebody wrote."""
    if not isinstance(raw, list) or len(raw) > _MOST_LIMITS:
        notes.say(f"Must be a list of at most {_MOST_LIMITS} limits.")
        return
    if raw and is_gift_card:
        notes.say("A gift card's campaign is limited by limit_total and limit_per_customer, which count cards.")
    seen: set[tuple[str, ...]] = set()
    for number, each in enumerate(raw):
        at = notes.at(number)
        kind = _kind(each, at)
        if kind in _ELSEWHERE:
            at.say(f"Say this limit by {_ELSEWHERE[kind]}.")
        elif kind in seen:
            at.say("There is another limit of this scope, measure and period: keep the lower one.")
        elif kind:
            seen.add(kind)


def _kind(raw: Any, notes: Notes) -> tuple[str, ...] | None:
    """Scope, measure and period of a limit; None when it has faults."""
    clean = len(notes.errors)
    given = notes.object_(raw, allowed=_MEMBERS, required=_MEMBERS)
    for name, words in _WORDS.items():
        if name in given and given[name] not in words:
            notes.at(name).say(f"Must be one of {', '.join(words)}.")
    most = given.get("most", 1)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MAX_AMOUNT_MINOR:
        notes.at("most").say("Must be a whole number of at least 1: how many uses, or how many minor units.")
    return None if len(notes.errors) > clean else (given["scope"], given["measure"], given["period"])


def _scope(scope: str, customer_id: UUID | None, store_id: UUID | None) -> str | None:
    if scope == "customer":
        return counters.scope_of(customer_id) if customer_id else None
    if scope == "store":
        return f"store:{store_id}" if store_id else None
    return counters.TOTAL
