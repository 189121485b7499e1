"""What may be asked of a customer, each out of its JSON."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from core.money import POINTS
from core.notes import Notes
from insights.profiles.models import PHASES
from insights.segments import event_leaves, parts, voucher_parts, words
from insights.segments.facts import Facts, Member, Need, Purse, Trait
from insights.segments.hints import meant
from insights.segments.parts import Part
from insights.segments.sql import Query
from wallet.assets import EXPONENTS, brand_currency

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


def _trait(raw: dict[str, Any], notes: Notes) -> Part:
    given = notes.object_(raw, allowed=_COMPARED | {"trait"}, required=frozenset(("is",)))
    clean = len(notes.errors)
    name = notes.at("trait").text(given["trait"], longest=64)
    if not _compared(raw, notes, words.ANY) or len(notes.errors) > clean:
        return parts.never()
    return parts.leaf(
        about={"trait": name},
        label=f"The trait “{name}”",
        get=lambda facts: facts.traits.get(name),
        sql=lambda query: query.trait(name),
        word=raw["is"],
        value=raw.get("value"),
        kind=words.ANY,
        needs=frozenset([Trait(name)]),
    )


_TEXTS: dict[str, tuple[str, Callable[[Facts], str | None], Callable[[Query], str]]] = {
    "phase": ("The phase", lambda facts: facts.profile.phase if facts.profile else None, lambda query: "p.phase"),
    "first_touch.source": (
        "What brought the customer",
        lambda facts: facts.profile.source if facts.profile else None,
        lambda query: "p.touch_source",
    ),
    "locale": ("The customer's language", lambda facts: facts.locale, lambda query: query.locale()),
}
_AGES = {"first_seen_days": ("first_seen_at", "first"), "last_seen_days": ("last_seen_at", "last")}
_PROFILE = (*_TEXTS, *_AGES, "orders", "revenue_minor")


def _profile(raw: dict[str, Any], notes: Notes) -> Part:
    name = raw["profile"]
    allowed = _COMPARED | {"profile"} | ({"currency"} if name == "revenue_minor" else set())
    notes.object_(raw, allowed=allowed, required=frozenset(("is",)))
    if not isinstance(name, str) or name not in _PROFILE:
        notes.at("profile").say(f"Must be one of: {', '.join(_PROFILE)}.{meant(name, _PROFILE)}")
        return parts.never()
    kind = words.TEXT if name in _TEXTS else words.DAYS if name in _AGES else words.NUMBER
    if not _compared(raw, notes, kind):
        return parts.never()
    word, value, about = raw["is"], raw["value"], {"profile": name}
    if name == "phase" and (unknown := set(value if isinstance(value, list) else [value]) - set(PHASES)):
        notes.at("value").say(f"There is no phase “{min(unknown)}”. Phases: {', '.join(PHASES)}.")
        return parts.never()
    if name in _TEXTS:
        label, get, sql = _TEXTS[name]
        needs: frozenset[Need] = frozenset(["locale" if name == "locale" else "profile"])
        return parts.leaf(about=about, label=label, get=get, sql=sql, word=word, value=value, kind=kind, needs=needs)
    if name in _AGES:
        column, which = _AGES[name]
        return parts.age(
            about=about,
            label=f"How many days ago the customer was {which} seen",
            since=lambda facts: facts.day_of(getattr(facts.profile, column, None)),
            sql=lambda query: query.local_day(f"p.{column}"),
            word=word,
            days=value,
            needs=frozenset(["profile"]),
        )
    if name == "orders":
        return parts.leaf(
            about=about,
            label="The number of orders",
            get=lambda facts: facts.profile.orders if facts.profile else None,
            sql=lambda query: "p.orders",
            word=word,
            value=value,
            kind=kind,
            needs=frozenset(["profile"]),
        )
    return _revenue(raw, notes)


def _revenue(raw: dict[str, Any], notes: Notes) -> Part:
    currency = _currency(raw, notes)
    return parts.leaf(
        about={"profile": "revenue_minor", "currency": currency},
        label=f"What the orders came to, less what was refunded, in minor units of {currency}",
        get=lambda facts: facts.revenue.get(currency, 0),
        sql=lambda query: query.revenue(currency),
        word=raw["is"],
        value=raw["value"],
        kind=words.NUMBER,
        needs=frozenset(["revenue"]),
    )


_PURSES = ("cash", "promotional", "points")


def _wallet(raw: dict[str, Any], notes: Notes) -> Part:
    purpose = raw["wallet"]
    has_currency = purpose != "points"
    allowed = _COMPARED | {"wallet"} | ({"currency"} if has_currency else set())
    notes.object_(raw, allowed=allowed, required=frozenset(("is",)))
    if not isinstance(purpose, str) or purpose not in _PURSES:
        notes.at("wallet").say(f"Must be one of: {', '.join(_PURSES)}.{meant(purpose, _PURSES)}")
        return parts.never()
    clean = len(notes.errors)
    purse = Purse(purpose, _currency(raw, notes) if has_currency else POINTS)
    if not _compared(raw, notes, words.NUMBER) or len(notes.errors) > clean:
        return parts.never()
    return parts.leaf(
        about={"wallet": purpose} | ({"currency": purse.asset} if has_currency else {}),
        label=f"The customer's {purpose}" + (f" in minor units of {purse.asset}" if has_currency else ""),
        get=lambda facts: facts.purses.get(purse, 0),
        sql=lambda query: query.purse(purse),
        word=raw["is"],
        value=raw["value"],
        kind=words.NUMBER,
        needs=frozenset([purse]),
    )


_OF_VOUCHERS = ("holds", "redeemed", "expires_within_days")


def _voucher(raw: dict[str, Any], notes: Notes) -> Part:
    notes.object_(raw, allowed=frozenset(("voucher", *_OF_VOUCHERS)))
    given = notes.at("voucher").object_(raw["voucher"], allowed=frozenset(["campaign_id"]))
    asked = [word for word in _OF_VOUCHERS if word in raw]
    if len(asked) != 1:
        notes.say(f"Ask one thing of the voucher: {', '.join(_OF_VOUCHERS)}.")
        return parts.never()
    campaign_id = _campaign(given, notes.at("voucher").at("campaign_id"))
    about, value = {"voucher": given, asked[0]: raw[asked[0]]}, raw[asked[0]]
    if asked[0] == "expires_within_days":
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= event_leaves.MOST_DAYS_BACK:
            notes.at(asked[0]).say(f"Must be a whole number of 0 to {event_leaves.MOST_DAYS_BACK} days.")
            return parts.never()
        return voucher_parts.expires_within(campaign_id, value, about)
    if value is not True:
        notes.at(asked[0]).say("Must be true; for the contrary put it into a “not”.")
        return parts.never()
    return (
        voucher_parts.holds(campaign_id, about) if asked[0] == "holds" else voucher_parts.redeemed(campaign_id, about)
    )


def _campaign(given: dict[str, Any], notes: Notes) -> UUID | None:
    raw = given.get("campaign_id")
    try:
        if raw is not None:
            return UUID(raw) if isinstance(raw, str) and len(raw) == 36 else UUID("")
    except ValueError:
        notes.say("Must be the id of a campaign.")
    return None


def segment(raw: dict[str, Any], notes: Notes) -> Part:
    """A segment by its key, as it is kept."""
    notes.object_(raw, allowed=frozenset(["segment"]))
    key = raw["segment"]
    if not isinstance(key, str) or not KEY.match(key):
        notes.at("segment").say("Must be the key of a segment, such as “regulars”.")
        return parts.never()

    def tell(facts: Facts) -> dict[str, Any]:
        is_in = key in facts.segments
        says = f"The customer is {'' if is_in else 'not '}in “{key}”."
        return {"is_met": is_in, "segment": key, "says": says}

    return Part(
        test=lambda facts: key in facts.segments,
        tell=tell,
        sql=lambda query: query.members(key),
        needs=frozenset([Member(key)]),
    )


def _compared(raw: dict[str, Any], notes: Notes, kind: words.Kind) -> bool:
    return "is" in raw and words.read(raw["is"], raw.get("value"), notes, kind, has_value="value" in raw)


def _currency(raw: dict[str, Any], notes: Notes) -> str:
    currency = raw.get("currency", brand_currency())
    if not isinstance(currency, str) or currency == POINTS or currency not in EXPONENTS:
        notes.at("currency").say("Must be a currency, such as “GBP”.")
        return brand_currency()
    return currency


_COMPARED = frozenset(("is", "value"))

#: Each shape of a condition that asks about the customer, with what reads it.
READ: dict[str, Callable[[dict[str, Any], Notes], Part]] = {
    "trait": _trait,
    "profile": _profile,
    "event": event_leaves.read,
    "wallet": _wallet,
    "voucher": _voucher,
}
