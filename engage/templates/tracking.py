"""Links that stand in a text as they are: each becomes a variable, so that every customer gets a short one.

Only whole https addresses: one that a variable completes stays what it is, since it may hold what nobody else may read.
In HTML only what is clicked (`href`): a picture's address would be opened by whoever shows the mail.
"""

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

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
        name = name_of(address) if is_address(address) and not goes_on else None
        return _variable(name) + whole[len(address) :] if name else whole

    return _outside_liquid(source, lambda text: _ADDRESS.sub(replaced, text)) if "https://" in source else source


def tracked_html(source: str, name_of: Callable[[str], str | None]) -> str:
    """`tracked` for HTML."""

    def replaced(match: re.Match[str]) -> str:
        address = html.unescape(match[3])
        name = name_of(address) if is_address(address) else None
        return f"{match[1]}{match[2]}{_variable(name)}{match[2]}" if name else match[0]

    return _HREF.sub(replaced, source)


def is_address(raw: Any) -> bool:
    """Whether this is a whole https address that a link may lead to: with a host, and nobody's name before it."""
    if not isinstance(raw, str) or not raw.startswith("https://") or len(raw) > LONGEST_ADDRESS:
        return False
    if not raw.isprintable() or any(each.isspace() or each in "\"'<>{}\\" for each in raw):
        return False
    try:
        parts = urlsplit(raw)
        return bool(parts.hostname) and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _variable(name: str) -> str:
    return f"{{{{ links.{name} }}}}"


def _outside_liquid(source: str, change: Callable[[str], str]) -> str:
    # An address within {{ … }} or {% … %} is an argument: a variable cannot stand there.
    return source if re.search(r"(\{\{|\{%)[^{}]*https://", source) else change(source)
