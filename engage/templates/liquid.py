"""Liquid, with limits: few words, no lists to walk through, and nothing that is missing passes for empty.

A template is parsed once and kept; whoever renders it hands in all that it may say. Money and dates are told as the
reader's language writes them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate, Environment, FalsyStrictUndefined
from liquid.context import RenderContext
from liquid.exceptions import FilterArgumentError, LiquidError
from liquid.filter import with_context

from core.errors import Refusal
from core.money import MAX_AMOUNT_MINOR
from wallet.assets import brand_currency
from wallet.documents.wording import Wording as Teller

LONGEST_SOURCE = 2_000
LONGEST_HTML = 30_000
DEEPEST_BRACKETS = 5

#: Under which name a context holds the `Teller` of its reader. No template can say it: it is no known variable.
TELLER = "told_by"

#: Filters and tags that cost no more than their text. `{{ (1..999999999) | join }}`, `{% for … reversed %}` and a chain
#: of `replace` pass every limit below and eat the machine; a message has no list to walk through anyway.
_FILTERS = frozenset(("append", "capitalize", "default", "downcase", "prepend", "strip", "truncate", "upcase"))
_TAGS = frozenset(("assign", "case", "comment", "echo", "if", "unless"))
#: How the parser says that a tag is none, or stands where it may not; those that belong within one are none of these.
_UNEXPECTED = re.compile(r"unexpected tag '(\w+)'")
_WITHIN_TAGS = ("end", "els", "when")
# The parser's own: plain text, {{ }}, and what it makes of an error.
_BUILT_IN_TAGS = frozenset(("content", "output", "#", "illegal"))


class TemplateFailed(Exception):
    """A template cannot be parsed or rendered; the text says why."""


class Example(str):
    """Stands for a value that is not known before something happens, where a template is tried."""


class Group(dict[str, Any]):
    """Values that a template may ask for one by one; told as a whole they would be no sentence."""

    def __str__(self) -> str:
        raise FilterArgumentError(f"it has several values: {', '.join(sorted(map(str, self)))}", token=None)


def grouped(value: Any) -> Any:
    """A payload as templates are handed it: its objects as groups, and what is null not there."""
    if isinstance(value, Mapping):
        return Group({key: grouped(each) for key, each in value.items() if each is not None})
    if isinstance(value, list):
        return [grouped(each) for each in value]
    return value


class _Missing(FalsyStrictUndefined):
    """What a context does not hold: an `if` and a `default` may ask for it, nothing may say it."""

    force_liquid_default = True


class _Limited(Environment):
    """All limits set: they stopped loop, memory and attribute attacks where Jinja2's sandbox ran unbounded."""

    block_nesting_limit = 30
    context_depth_limit = 10
    loop_iteration_limit = 500
    local_namespace_limit = 20_000
    output_stream_limit = 10_000


class _LimitedPage(_Limited):
    """For HTML: more room, and whatever is filled in is escaped."""

    output_stream_limit = 60_000


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template. says: the dotted variables that it names ("voucher.code"); fixed: its text, where it says none
    and decides nothing."""

    source: str
    says: frozenset[str]
    fixed: str | None
    _parsed: BoundTemplate

    def render(self, context: Mapping[str, Any]) -> str:
        """Its text.

        raises  TemplateFailed when it says what the context does not hold, or breaks a limit
        """
        if self.fixed is not None:
            return self.fixed
        try:
            return self._parsed.render(**context).strip()
        except (LiquidError, RecursionError) as error:
            raise TemplateFailed(_first_line(error)) from error


def parse(source: str, *, is_html: bool = False) -> Template:
    """A template from its source.

    raises  TemplateFailed
    """
    return _parse(source, is_html)


@lru_cache(maxsize=2_000)
def _parse(source: str, is_html: bool) -> Template:
    if _depth(source) > DEEPEST_BRACKETS:
        raise TemplateFailed("it is nested too deep")
    try:
        parsed = (_page if is_html else _plain).from_string(source)
        analysis = parsed.analyze(include_partials=False)
    except (LiquidError, RecursionError) as error:
        raise TemplateFailed(_first_line(error)) from error
    unknown = sorted(analysis.filters.keys() - _FILTERS - _OURS.keys())
    if unknown:
        known = ", ".join(sorted((*_FILTERS, *_OURS)))
        raise TemplateFailed(f"the filter {', '.join(unknown)} cannot be used; these can: {known}")
    says = frozenset(
        ".".join(str(part) for part in place.segments) for places in analysis.globals.values() for place in places
    )
    is_fixed = "{{" not in source and "{%" not in source
    return Template(source, says, source.strip() if is_fixed else None, parsed)


def _depth(source: str) -> int:
    """How deep brackets stand in brackets: the parser takes a second for a thousand, and no limit of its own minds."""
    deepest = depth = 0
    for symbol in source:
        depth += (symbol == "[") - (symbol == "]")
        deepest = max(deepest, depth)
    return deepest


def _first_line(error: LiquidError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    unexpected = _UNEXPECTED.match(str(error))
    if unexpected and not unexpected[1].startswith(_WITHIN_TAGS):
        return f"the tag {unexpected[1]} cannot be used; these can: {', '.join(sorted(_TAGS))}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


@with_context
def _money(amount: Any, currency: Any = None, *, context: RenderContext) -> str:
    """{{ event.total_minor | money: event.currency }}: "$12.50". Minor units; without a currency the brand's."""
    if isinstance(amount, Example) or isinstance(currency, Example):
        return "$12.50"
    if not isinstance(amount, int) or isinstance(amount, bool) or abs(amount) > MAX_AMOUNT_MINOR:
        raise FilterArgumentError("money takes a whole number of minor units", token=None)
    if currency is not None and not isinstance(currency, str):
        raise FilterArgumentError("money takes the code of a currency", token=None)
    try:
        return _teller(context).money(amount, currency or brand_currency())
    except Refusal as refusal:
        raise FilterArgumentError(f"money: {refusal.detail}", token=None) from refusal


@with_context
def _date(at: Any, style: Any = "day", *, context: RenderContext) -> str:
    """{{ voucher.expires | date }}: the day as the reader writes it; with "time" the time, with "minute" both."""
    told = {"day": Teller.day, "time": Teller.time, "minute": Teller.minute}.get(style if type(style) is str else "")
    if told is None:
        raise FilterArgumentError("date takes “day”, “time” or “minute”", token=None)
    if isinstance(at, Example):
        return str(at)
    try:
        instant = datetime.fromisoformat(at)
        return told(_teller(context), instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError) as error:
        raise FilterArgumentError("date takes a time such as 2026-11-22T09:30:00Z", token=None) from error


def _teller(context: RenderContext) -> Teller:
    found = context.globals.get(TELLER)
    if not isinstance(found, Teller):
        raise FilterArgumentError("it is not known whom this is told", token=None)
    return found


_OURS = {"money": _money, "date": _date}


def _of_few_words(environment: _Limited) -> _Limited:
    environment.filters = {name: call for name, call in environment.filters.items() if name in _FILTERS} | _OURS
    for name in environment.tags.keys() - _TAGS - _BUILT_IN_TAGS:
        del environment.tags[name]
    return environment


_plain = _of_few_words(_Limited(undefined=_Missing))
_page = _of_few_words(_LimitedPage(undefined=_Missing, autoescape=True))
