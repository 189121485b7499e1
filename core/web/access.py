"""One line in the log for each request: what was asked, by whom, how it ended and how long it took.

It names the route, not the address: an address may carry a claim code, and a query may carry anything.
"""

import logging
from time import perf_counter

from flask import Response, g

from core.web import unproxied
from core.web.principals import Principal

_log = logging.getLogger("pocketful.access")

#: Anything else is a word of the caller's own, which may be anything.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def begin() -> None:
    g.begun_at = perf_counter()


def write_line(response: Response) -> Response:
    given, told = unproxied.request(), unproxied.g()
    principal, begun_at = told.get("principal"), told.get("begun_at")
    fields = {
        "method": given.method if given.method in _METHODS else None,
        "route": given.url_rule.rule if given.url_rule else None,
        "status": response.status_code,
        "milliseconds": round((perf_counter() - begun_at) * 1000, 1) if begun_at else None,
        "principal": principal.name if isinstance(principal, Principal) else None,
        "request_id": told.get("request_id"),
    }
    # Ours by construction, each of them, so that the log's filter need not look at them.
    _log.info("request", extra={"fields": fields})
    return response
