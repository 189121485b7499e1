"""Browsers: who is signed in there, and how they come to be. For every room of sign-in that has pages."""

from datetime import datetime
from urllib.parse import quote

from flask import Response, request
from sqlalchemy.orm import Session

from auth.authorizing import requests, web_sessions
from auth.authorizing.api import cookies
from auth.authorizing.errors import SignInOver
from auth.authorizing.requests import Stored
from auth.oauth import clients
from auth.oauth.clients import STAFF, Client
from auth.proofs import Proved
from auth.sessions import Live, touch
from core.db import transaction

#: Who signs in for no client but ours.
OWN_CLIENT, STAFF_CLIENT = "pocketful-app", "pocketful-admin"


def current(now: datetime, *, client_id: str = OWN_CLIENT) -> Live | None:
    """Who is signed in to the browser that asks: a customer, or for the staff's client a person of staff."""
    with transaction() as session:
        return living(session, clients.find(client_id), now=now)


def living(session: Session, client: Client | None, *, now: datetime) -> Live | None:
    live = web_sessions.living(session, cookies.session_of(client), now=now)
    if live is not None:
        touch(session, live.id, now=now)
    return live


def waiting(session: Session, handle: str, *, now: datetime, lock: bool = False) -> Stored:
    """The request that a page of this browser names.

    raises  SignInOver
    """
    stored = requests.stored(session, handle, browser=cookies.browser(), now=now, lock=lock)
    if stored is None or stored.is_used:
        raise SignInOver
    return stored


def sign_in(session: Session, proved: Proved, *, request_handle: str, now: datetime) -> str:
    """Sign the owner in to this browser, for the request that its pages name; where to send the browser next.

    raises   SignInOver, also where staff sign in for a customer's client or the other way round
    effects  the answer sets a new cookie
    """
    stored = waiting(session, request_handle, now=now, lock=True)
    client = clients.find(stored.client_id)
    if client is None or (client.kind == STAFF) != (proved.owner.staff_id is not None):
        raise SignInOver
    begun = web_sessions.renewed(
        session,
        proved,
        cookie=cookies.session_of(client),
        client_id=client.client_id,
        address=request.remote_addr,
        agent=request.headers.get("User-Agent"),
        now=now,
    )
    requests.sign_in(session, stored, begun.id, now=now)
    cookies.put_session(begun.handle, client)
    return path_of("/sign-in/next", request_handle)


def ask_to_sign_in(then: str, *, now: datetime, client_id: str = OWN_CLIENT) -> Response:
    """Send a browser to sign in, and on to a page of ours. then: its path, query and all"""
    client = clients.find(client_id)
    assert client is not None
    browser = cookies.made_browser()
    with transaction() as session:
        handle = requests.keep(session, client_id=client_id, then=then, browser=browser, now=now)
    return see_other(sign_in_page(client, handle))


def sign_in_page(client: Client, handle: str) -> str:
    return path_of("/staff/sign-in" if client.kind == STAFF else "/sign-in", handle)


def path_of(page: str, handle: str) -> str:
    return f"{page}?r={quote(handle)}"


def see_other(address: str) -> Response:
    """Send the browser on; the next one is not told from where, nor does anybody keep it."""
    return Response(
        status=303, headers={"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )
