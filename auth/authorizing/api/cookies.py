"""The cookies of a browser: who is signed in, as a customer and as staff, and which browser it is."""

from flask import Response, after_this_request, g, request

from auth import opaque, tokens
from auth.oauth.clients import STAFF, Client

_SESSION, _STAFF, _FLOW = "session", "staff", "flow"


def session_of(client: Client | None = None) -> str | None:
    """What this browser shows of its session, as staff for a client of the staff's."""
    return request.cookies.get(_name(_of(client)))


def put_session(handle: str, client: Client) -> None:
    """Let the answer to this request set the session. The cookie ends with the browser, the session by itself."""
    _put(_of(client), handle)


def drop_session(client: Client | None) -> None:
    """Let the answer to this request take the session away."""
    if session_of(client) is not None:
        _put(_of(client), None)


def browser() -> str | None:
    """Which browser this is, as its cookie has it."""
    given: str | None = g.get("flow") or request.cookies.get(_name(_FLOW))
    return given if given and len(given) <= 100 else None


def made_browser() -> str:
    """Which browser this is; one that is nobody yet becomes somebody by the answer. It stays who it is, so that two
    tabs can be at two sign-ins."""
    known = browser()
    if known is None:
        known = g.flow = opaque.new()
        _put(_FLOW, known)
    return known


def _of(client: Client | None) -> str:
    return _STAFF if client is not None and client.kind == STAFF else _SESSION


def _name(name: str) -> str:
    """`__Host-`: a browser takes it from this host alone, over TLS. Development has no TLS, and programs that keep
    cookies send a secure one to nobody there."""
    return f"__Host-{name}" if _is_secure() else name


def _put(name: str, value: str | None) -> None:
    def put(response: Response) -> Response:
        response.set_cookie(
            _name(name), value or "", max_age=None if value else 0, path="/", secure=_is_secure(), httponly=True,
            samesite="Lax",
        )  # fmt: skip
        response.headers["Cache-Control"] = "no-store"
        return response

    after_this_request(put)


def _is_secure() -> bool:
    return tokens.issuer().startswith("https://")
