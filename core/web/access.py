"""One line in the log for each request: what was asked, by whom, how it ended and how long it took.

It names the route, not the address: an address may carry a claim code, and a query may carry anything.
"""

import logging
from time import perf_counter

from flask import Response, g, request

from core.web.principals import Principal

_log = logging.getLogger("pocketful.access")

#: Anything else is a word of the caller's own, which may be anything.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def begin() -> None:
    g.begun_at = perf_counter()


def write_line(response: Response) -> Response:
    principal = g.get("principal")
    begun_at = g.get("begun_at")
    fields = {
        "method": request.method if request.method in _METHODS else None,
        "route": request.url_rule.rule if request.url_rule else None,
        "status": response.status_code,
        "milliseconds": round((perf_counter() - begun_at) * 1000, 1) if begun_at else None,
        "principal": principal.name if isinstance(principal, Principal) else None,
        "request_id": g.get("request_id"),
    }
    # Ours by construction, each of them, so that the log's filter need not look at them.
    _log.info("request", extra={"fields": fields})
    return response
