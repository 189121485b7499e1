"""Where a request comes from, as the audit log keeps it."""

from flask import has_request_context

from core.audit.origin import LONGEST_AGENT, Origin, network_of
from core.web import unproxied
from core.web.principals import Principal


def of_request() -> Origin | None:
    """None outside of any request (a command, a worker)."""
    if not has_request_context():
        return None
    given, told = unproxied.request(), unproxied.g()
    principal = told.get("principal")
    known = principal if isinstance(principal, Principal) else None
    return Origin(
        network=network_of(given.remote_addr),
        client_id=(known.client_id or None) if known else None,
        agent=given.user_agent.string[:LONGEST_AGENT] or None,
        session_id=known.session_id if known else None,
        request_id=told.get("request_id"),
    )
