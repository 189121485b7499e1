"""The wording of messages: Liquid, with limits, over a short list of variables that is checked before publishing."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate, Environment, StrictUndefined
from liquid.exceptions import LiquidError

LONGEST_SOURCE = 2_000

#: What a template may say, with an example of each for the trial rendering at publication.
VARIABLES: Mapping[str, Mapping[str, str]] = {
    "voucher": {
        "code": "7KQ4-M9TD-2XWA-H",
        "link": "https://example.com/c/7KQ4M9TD2XWAH",
    },
    "customer": {"locale": "en"},
}


class TemplateFailed(Exception):
    """A template cannot be parsed or rendered; the text says why."""


class _Limited(Environment):
    """All four limits set: they stopped loop, memory and attribute attacks where Jinja2's sandbox ran unbounded."""

    context_depth_limit = 10
    loop_iteration_limit = 500
    local_namespace_limit = 20_000
    output_stream_limit = 10_000


#: Filters and tags that cost no more than their text. `{{ (1..999999999) | join }}`, `{% for … reversed %}` and a chain
#: of `replace` pass every limit above and eat the machine; a message has no list to walk through anyway.
_FILTERS = frozenset(("append", "capitalize", "default", "downcase", "prepend", "strip", "truncate", "upcase"))
_TAGS = frozenset(("assign", "case", "comment", "echo", "if", "unless"))
# The parser's own: plain text, {{ }}, and what it makes of an error.
_BUILT_IN_TAGS = frozenset(("content", "output", "#", "illegal"))


def _environment_of_few_words() -> Environment:
    environment = _Limited(undefined=StrictUndefined)
    environment.filters = {name: call for name, call in environment.filters.items() if name in _FILTERS}
    for name in environment.tags.keys() - _TAGS - _BUILT_IN_TAGS:
        del environment.tags[name]
    return environment


_environment = _environment_of_few_words()


def render(source: str, context: Mapping[str, Any]) -> str:
    """The text of a template.

    raises  TemplateFailed when it says what the context does not hold, or breaks a limit
    """
    try:
        return _parsed(source).render(**context).strip()
    except LiquidError as error:
        raise TemplateFailed(_first_line(error)) from error


def variables_of(source: str) -> set[str]:
    """The dotted variables that a template says ("voucher.code").

    raises  TemplateFailed when it cannot be parsed
    """
    try:
        analysis = _parsed(source).analyze(include_partials=False)
    except LiquidError as error:
        raise TemplateFailed(_first_line(error)) from error
    unknown = sorted(analysis.filters.keys() - _FILTERS)
    if unknown:
        raise TemplateFailed(
            f"the filter {', '.join(unknown)} cannot be used; these can: {', '.join(sorted(_FILTERS))}"
        )
    found = analysis.globals.values()
    return {".".join(str(part) for part in place.segments) for places in found for place in places}


def is_known(variable: str) -> bool:
    root, _, member = variable.partition(".")
    return member in VARIABLES.get(root, {})


def known() -> str:
    return ", ".join(f"{root}.{member}" for root, members in VARIABLES.items() for member in members)


@lru_cache(maxsize=1000)
def _parsed(source: str) -> BoundTemplate:
    return _environment.from_string(source)


def _first_line(error: LiquidError) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
