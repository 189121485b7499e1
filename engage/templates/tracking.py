"""Links that stand in a text as they are: each becomes a variable, so that every customer gets a short one.

Only whole https addresses: one that a variable completes stays what it is, since it may hold what nobody else may read.
In HTML only what is clicked (`href`): a picture's address would be opened by whoever shows the mail.
"""

import html
import re
from collections.abc import Callable

#: What surrounds an address in a text is none of it: blanks, quotes, brackets and Liquid's braces.
_ADDRESS = re.compile(r"https://[^\s\"'<>{}|\\^`]+")
_HREF = re.compile(r"(\bhref\s*=\s*)([\"'])(https://[^\"'<>{}\s]+)\2", re.IGNORECASE)
_AFTER = ".,;:!?)]…"

LONGEST_ADDRESS = 2_000


def tracked(source: str, name_of: Callable[[str], str | None]) -> str:
    """A text's source with `{{ links.… }}` for each address in it.

    name_of  the name under which an address goes; None to leave it as it is
    """

    def replaced(match: re.Match[str]) -> str:
        whole = match[0]
        address = whole.rstrip(_AFTER)
        goes_on = match.end() < len(source) and source[match.end()] == "{"
        if goes_on or len(address) <= len("https://") or len(address) > LONGEST_ADDRESS:
            return whole
        name = name_of(address)
        return _variable(name) + whole[len(address) :] if name else whole

    return _outside_liquid(source, lambda text: _ADDRESS.sub(replaced, text)) if "https://" in source else source


def tracked_html(source: str, name_of: Callable[[str], str | None]) -> str:
    """`tracked` for HTML."""

    def replaced(match: re.Match[str]) -> str:
        address = html.unescape(match[3])
        if len(address) > LONGEST_ADDRESS or not address.isprintable():
            return match[0]
        name = name_of(address)
        return f"{match[1]}{match[2]}{_variable(name)}{match[2]}" if name else match[0]

    return _HREF.sub(replaced, source)


def _variable(name: str) -> str:
    return f"{{{{ links.{name} }}}}"


def _outside_liquid(source: str, change: Callable[[str], str]) -> str:
    # An address within {{ … }} or {% … %} is an argument: a variable cannot stand there.
    return source if re.search(r"(\{\{|\{%)[^{}]*https://", source) else change(source)
