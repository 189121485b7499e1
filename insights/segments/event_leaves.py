"""What may be asked of a customer's events: how often, how much, how long ago."""

from typing import Any

from core.events import every_event
from core.events.named import fields_of, parse_event, parse_where
from core.notes import Notes
from insights.segments import event_parts, parts, words
from insights.segments.facts import Column, Counted
from insights.segments.hints import meant
from insights.segments.parts import Part
from insights.streams import Stream
from insights.streams.stream import LONGEST_NAME, TRACKED, canonical

#: How many days back a condition may look.
MOST_DAYS_BACK = 730


def read(raw: dict[str, Any], notes: Notes) -> Part:
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
        return event_parts.first_or_last(stream, which, about=about, label=label, word=raw[which], days=raw["days"])
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
    return event_parts.counted(Counted(stream, days), column, about=about, label=label, word=word, value=value)


def _stream(raw: dict[str, Any], notes: Notes, *, summed: Any) -> Stream:
    """What a condition on events counts; faults are noted."""
    event = parse_event(raw["event"], notes.at("event"))
    known = [kind.name for kind in every_event()]
    if event and event not in known:
        notes.at("event").say(f"There is no event “{event}”.{meant(event, known)}")
    if event.startswith(("segment.", "date.", "profile.")):
        notes.at("event").say(f"“{event}” is not counted: ask for the segment, the day or the profile itself.")
    named, where = raw.get("named", ""), raw.get("where")
    if event == TRACKED and "named" not in raw and where is not None and _is_name(where):
        named, where = where["value"], None
    if "named" in raw and event != TRACKED:
        notes.at("named").say(f"Only “{TRACKED}” has names of its own.")
    elif "named" in raw or named:
        named = notes.at("named").text(named, longest=LONGEST_NAME)
    clean = len(notes.errors)
    parse_where(where, notes.at("where"), event=event)
    is_sound = len(notes.errors) == clean  # what is not may be too deep to be written
    field = ""
    if summed is not None:
        field = notes.at("sum").text(summed, longest=100)
        fields = fields_of(event) if event in known else None
        if fields is not None and field.split(".")[0] not in fields:
            known_fields = ", ".join(sorted(fields))
            notes.at("sum").say(f"This event has no field “{field}”. It has: {known_fields}.{meant(field, fields)}")
    return Stream(event, named, canonical(where) if where is not None and is_sound else "", field)


def _is_name(where: Any) -> bool:
    return (
        isinstance(where, dict)
        and where.keys() == {"field", "is", "value"}
        and (where["field"], where["is"]) == ("event", "equals")
        and isinstance(where["value"], str)
        and 0 < len(where["value"].strip()) <= LONGEST_NAME
    )
