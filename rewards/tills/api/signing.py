"""Views that take a terminal's signature."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals, unproxied
from rewards.tills import signatures
from rewards.tills.errors import SignatureRequired
from rewards.tills.signatures import Signed

View = TypeVar("View", bound=Callable[..., Any])

_DOCUMENTED: Callable[[Any], Any] = Blueprint.doc(
    parameters=[
        {
            "in": "header",
            "name": "Terminal-Signature",
            "required": False,
            "schema": {"type": "string"},
            "description": "By the terminal's key; what is signed stands in the merchants' guide. Required where the "
            "deployment says so, and always checked where it is sent.",
            "example": "t=1763797200,v1=MEUCIQ...",
        }
    ]
)


def signed(view: View) -> View:
    """Check the request's Terminal-Signature before the view runs; the innermost of its decorators.

    raises  SignatureRequired where the settings ask for one; SignatureInvalid
    """

    @wraps(view)
    def checked(*args: Any, **named: Any) -> Any:
        check()
        return view(*args, **named)

    documented: View = _DOCUMENTED(checked)
    return documented


def check() -> None:
    """raises  SignatureRequired, SignatureInvalid"""
    request = unproxied.request()
    header = request.headers.get("Terminal-Signature")
    if header is None:
        if unproxied.app().extensions["settings"].terminal_signatures == "required":
            raise SignatureRequired
        return
    asked = Signed(
        terminal_id=principals.current().id,
        header=header,
        method=request.method,
        path=request.path,
        key=request.headers.get("Idempotency-Key", "").strip(),
        body=request.get_data(cache=True),
    )
    with transaction() as session:
        signatures.verify(session, asked, now=clock.now())
