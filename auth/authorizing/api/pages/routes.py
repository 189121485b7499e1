"""What the pages of a sign-in share: where they stand, and how they know what they are for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth import tokens
from auth.authorizing import deciding
from auth.authorizing.api import answers, browsers
from auth.authorizing.deciding import Asked
from auth.authorizing.errors import SignInOver
from auth.authorizing.requests import Stored
from auth.oauth import clients
from auth.oauth.clients import STAFF, Client
from core.settings import Settings

blueprint = Blueprint("sign_in_pages", __name__, description="The pages of a sign-in")

#: What the documents say of a page.
HTML: dict[str, Any] = {"schema": {"type": "string"}, "content_type": "text/html"}


def show_when_over(pages: Blueprint) -> None:
    """Let the pages of this blueprint say it when a sign-in is over."""
    pages.register_error_handler(SignInOver, lambda _: answers.over())


show_when_over(blueprint)


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A page's request, and for whom somebody signs in there. asked: None where it is for a page of ours"""

    handle: str
    stored: Stored
    client: Client
    asked: Asked | None


def at(session: Session, *, now: datetime, lock: bool = False) -> At:
    """What the page that is asked for, or the form that was sent, belongs to.

    raises  SignInOver, also for a form that another site has sent
    """
    if request.method == "POST":
        check_origin()
    handle = given_handle()
    stored = browsers.waiting(session, handle, now=now, lock=lock)
    client = clients.find(stored.client_id)
    if client is None or not client.is_active:
        raise SignInOver
    asked = None
    if stored.then is None:
        try:
            asked = deciding.read(client, stored.parameters, deciding.way_of(client, stored.parameters))
        except (deciding.NoWayBack, deciding.Refused) as error:  # what it may ask for was changed meanwhile
            raise SignInOver from error
    return At(handle=handle, stored=stored, client=client, asked=asked)


def at_customers(session: Session, *, now: datetime, lock: bool = False) -> At:
    """Where a page of a customer's sign-in stands.

    raises  SignInOver, also for a sign-in of staff's
    """
    here = at(session, now=now, lock=lock)
    if here.client.kind == STAFF:
        raise SignInOver
    return here


def given_handle() -> str:
    return (request.form if request.method == "POST" else request.args).get("r", "")


def check_origin() -> None:
    """raises  SignInOver where a browser says that a form stood on another site's page"""
    origin = request.headers.get("Origin")
    if origin is not None and origin != own_origin(tokens.issuer()):
        raise SignInOver


def own_origin(address: str) -> str:
    """The origin of an address as browsers spell it: no path, no capitals, no port that goes without saying."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def whom(client: Client) -> str:
    """For whom somebody signs in, in a title."""
    return f"Sign in to {client.name}" if not client.is_first_party else "Sign in"
