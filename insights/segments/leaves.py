"""What may be asked of a customer, each out of its JSON."""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from core.events import every_event
from core.events.named import fields_of, parse_event, parse_where
from core.money import POINTS
from core.notes import Notes
from insights.profiles.models import PHASES
from insights.segments import parts, words
from insights.segments.facts import Column, Counted, Facts, Member, Need, Purse, Trait
from insights.segments.parts import Part
from insights.segments.sql import Query
from insights.streams import Stream
from insights.streams.stream import LONGEST_NAME, TRACKED, canonical
from wallet.assets import EXPONENTS, brand_currency

#: How many days back a condition may look.
MOST_DAYS_BACK = 730

KEY = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


def meant(given: Any, choices: Iterable[str]) -> str:
    """A hint at the choice that is closest to what was given; empty where none is close."""
    if not isinstance(given, str) or len(given) > 100:
        return ""
    close = get_close_matches(given.lower(), list(choices), n=1, cutoff=0.6)
    return f" Did you mean “{close[0]}”?" if close else ""


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


def _event(raw: dict[str, Any], notes: Notes) -> Part:
    clean = len(notes.errors)
    which = next((word for word in ("first", "last") if word in raw), None)
    measure = "sum" if "sum" in raw else "count"
    members = {which, "days"} if which else {measure, "is", "value", "within_days"}
    notes.object_(
        raw,
        allowed=frozenset(str(each) for each in (members | {"event", "where", "named"})),
        required=frozenset(("days",) if which else ("is", "value") if measure == "sum" else ()),
    )
    stream = _stream(raw, notes, summed=raw.get("sum") if not which else None)
    if len(notes.errors) > clean:
        return parts.never()
    about: dict[str, Any] = {name: raw[name] for name in ("event", "named", "where") if name in raw}
    called = f"“{stream.named or stream.event}”" + (" that fits" if stream.condition else "")
    if which:
        if not words.read(raw[which], raw["days"], notes, words.DAYS, word_at=which, value_at="days"):
            return parts.never()
        label = f"How many days ago the {which} {called} was"
        return parts.first_or_last(stream, which, about=about, label=label, word=raw[which], days=raw["days"])
    return _counted(raw, notes, stream, measure, about, called)


def _counted(
    raw: dict[str, Any], notes: Notes, stream: Stream, measure: str, about: dict[str, Any], called: str
) -> Part:
    days = raw.get("within_days")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MOST_DAYS_BACK):
        notes.at("within_days").say(f"Must be a whole number of 1 to {MOST_DAYS_BACK} days.")
        return parts.never()
    if measure == "count" and raw.get("count", True) is not True:
        notes.at("count").say("Must be true; how many stands in “is” and “value”.")
        return parts.never()
    is_compared = "is" in raw or "value" in raw
    word, value = (raw.get("is"), raw.get("value")) if is_compared else ("at_least", 1)
    if not words.read(word, value, notes, words.NUMBER, has_value="value" in raw or not is_compared):
        return parts.never()
    assert isinstance(word, str)
    within = "" if days is None else f" in the last {days} days"
    label = f"The number of {called}{within}" if measure == "count" else f"The sum of {raw['sum']} of {called}{within}"
    about |= {"sum": raw["sum"]} if measure == "sum" else {"count": True}
    about |= {"within_days": days} if days is not None else {}
    column: Column = "count" if measure == "count" else "total"
    return parts.counted(Counted(stream, days), column, about=about, label=label, word=word, value=value)


def _stream(raw: dict[str, Any], notes: Notes, *, summed: Any) -> Stream:
    """What a condition on events counts; faults are noted."""
    event = parse_event(raw["event"], notes.at("event"))
    known = [kind.name for kind in every_event()]
    if event and event not in known:
        notes.at("event").say(f"There is no event “{event}”.{meant(event, known)}")
    if event.startswith(("segment.", "date.")):
        notes.at("event").say(f"“{event}” is not counted: ask for the segment, or for the day itself.")
    named, where = raw.get("named", ""), raw.get("where")
    if event == TRACKED and "named" not in raw and where is not None and _is_name(where):
        named, where = where["value"], None
    if "named" in raw and event != TRACKED:
        notes.at("named").say(f"Only “{TRACKED}” has names of its own.")
    elif "named" in raw or named:
        named = notes.at("named").text(named, longest=LONGEST_NAME)
    parse_where(where, notes.at("where"), event=event)
    field = ""
    if summed is not None:
        field = notes.at("sum").text(summed, longest=100)
        fields = fields_of(event) if event in known else None
        if fields is not None and field.split(".")[0] not in fields:
            known_fields = ", ".join(sorted(fields))
            notes.at("sum").say(f"This event has no field “{field}”. It has: {known_fields}.{meant(field, fields)}")
    return Stream(event, named, canonical(where) if where is not None else "", field)


def _is_name(where: Any) -> bool:
    return (
        isinstance(where, dict)
        and where.keys() == {"field", "is", "value"}
        and (where["field"], where["is"]) == ("event", "equals")
        and isinstance(where["value"], str)
        and 0 < len(where["value"].strip()) <= LONGEST_NAME
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
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_DAYS_BACK:
            notes.at(asked[0]).say(f"Must be a whole number of 0 to {MOST_DAYS_BACK} days.")
            return parts.never()
        return parts.expires_within(campaign_id, value, about)
    if value is not True:
        notes.at(asked[0]).say("Must be true; for the contrary put it into a “not”.")
        return parts.never()
    return parts.holds(campaign_id, about) if asked[0] == "holds" else parts.redeemed(campaign_id, about)


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
    "event": _event,
    "wallet": _wallet,
    "voucher": _voucher,
}
