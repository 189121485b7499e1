"""What staff's pages share: where they stand, and how they read what a browser sends."""

import json
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth.authorizing.api.pages import layout
from auth.authorizing.api.pages.routes import At, at, show_when_over
from auth.authorizing.errors import SignInOver
from auth.oauth import clients
from auth.passkeys import asserting
from core import clock

blueprint = Blueprint("staff_pages", __name__, description="The pages on which staff join and sign in")
show_when_over(blueprint)


def credential() -> Any:
    """What the browser's passkey dialogue gave; None where that cannot be read."""
    given = request.form.get("credential", "")
    if len(given) > asserting.MOST_CHARACTERS:
        return None
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        return None


def typed(name: str, *, most: int = 100) -> str:
    """What somebody typed, without the blanks that they typed it with."""
    return "".join(request.form.get(name, "").split())[:most]


def at_staff(session: Session, *, lock: bool = False) -> At:
    """Where a page of a staff sign-in stands.

    raises  SignInOver, also for a sign-in of a customer's
    """
    here = at(session, now=clock.now(), lock=lock)
    if here.client.kind != clients.STAFF:
        raise SignInOver
    return here


def wait(seconds: int) -> Response:
    minutes = -(-seconds // 60)
    told = layout.message(
        "Too many tries", f"Wait for {minutes} minute{'' if minutes == 1 else 's'}, then try again.", status=429
    )
    told.headers["Retry-After"] = str(seconds)
    return told
