"""Whether it is a person who follows a link, as far as the request tells.

Messengers, mail scanners and search engines open links by themselves, to show a preview or to look for harm. What they
open is no click, and what they may show others holds no code.
"""

import re
from collections.abc import Mapping

#: What browsers say when they fetch a page before anybody asks for it.
_PREFETCH = ("Purpose", "Sec-Purpose", "X-Purpose", "X-Moz")

#: Programs that open links for a preview, a scan or an index, by what they call themselves.
_PROGRAMS = re.compile(
    r"(?<!cu)bot\b|crawler|spider|preview|facebookexternalhit|facebookcatalog|whatsapp/|skypeuri|slack-img|embedly"
    r"|linkexpander|headlesschrome|python-requests|curl/|wget/|go-http-client|google-safety|googleimageproxy|barracuda"
    r"|proofpoint|mimecast|safelinks|scanner",  # Cubot makes telephones
    re.IGNORECASE,
)


def is_person(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request counts as somebody's click."""
    if method != "GET" or any(re.search("prefetch|preview", headers.get(name, "")) for name in _PREFETCH):
        return False
    agent = headers.get("User-Agent", "")
    return bool(agent) and not _PROGRAMS.search(agent)
