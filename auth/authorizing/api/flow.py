"""One step of a sign-in for a client: what is missing is asked for, and once nothing is, the client gets its code."""

from datetime import datetime

from flask import Response
from sqlalchemy.orm import Session

from auth.authorizing import consents, hints, prompts, requests
from auth.authorizing.api import answers, browsers, cookies
from auth.authorizing.deciding import Asked
from auth.authorizing.prompts import Next, Situation
from auth.authorizing.requests import Stored
from auth.errors import OAuthRefusal
from auth.oauth import codes, pairwise
from auth.sessions import Live
from core.db import transaction


def begin(asked: Asked, given: dict[str, str], *, now: datetime) -> Response:
    """Answer a request at once where nothing is missing, else keep it and send the browser to the page that asks."""
    with transaction() as session:
        live = browsers.living(session, asked.client, now=now)
        step = prompts.decide(asked, _situation(session, asked, live, None), now=now)
        if step is Next.CODE and live is not None:
            return _code(session, asked, live, now=now)
        if isinstance(step, OAuthRefusal):
            return answers.refusal(asked.way, step)
        return browsers.see_other(_page_of(step, asked, keep(session, asked, given, now=now)))


def keep(session: Session, asked: Asked, given: dict[str, str], *, now: datetime) -> str:
    """What the request is named by from here on, in this browser."""
    browser = cookies.made_browser()
    return requests.keep(session, client_id=asked.client.client_id, parameters=given, browser=browser, now=now)


def go_on(session: Session, asked: Asked, stored: Stored, handle: str, *, now: datetime) -> Response:
    """The next step of a request that was kept; its answer is given once."""
    live = browsers.living(session, asked.client, now=now)
    step = prompts.decide(asked, _situation(session, asked, live, stored), now=now)
    if step is Next.CODE and live is not None:
        requests.use(session, stored, now=now)
        return _code(session, asked, live, now=now)
    if isinstance(step, OAuthRefusal):
        requests.use(session, stored, now=now)
        return answers.refusal(asked.way, step)
    return browsers.see_other(_page_of(step, asked, handle))


def _situation(session: Session, asked: Asked, live: Live | None, stored: Stored | None) -> Situation:
    if live is None:
        return Situation(proved=None)
    client, owner = asked.client, live.proved.owner
    is_other = False
    if asked.id_token_hint is not None:
        hint = hints.read(asked.id_token_hint)
        is_other = hint is None or hint.sub != pairwise.sub_of(client, owner.id)
    is_let_in = client.is_first_party or consents.covers(session, owner.id, client.client_id, asked.scope)
    return Situation(
        proved=live.proved,
        is_fresh=stored is not None and stored.session_id == live.id,
        is_other=is_other,
        is_let_in=is_let_in,
        has_consented=stored is not None and stored.has_consented,
    )


def _page_of(step: Next, asked: Asked, handle: str) -> str:
    if step is Next.CONSENT:
        return browsers.path_of("/sign-in/consent", handle)
    return browsers.sign_in_page(asked.client, handle)


def _code(session: Session, asked: Asked, live: Live, *, now: datetime) -> Response:
    issued = codes.issue(
        session,
        client=asked.client,
        proved=live.proved,
        scope=asked.scope,
        code_challenge=asked.code_challenge,
        redirect_uri=asked.way.redirect_uri,
        nonce=asked.nonce,
        jkt=asked.jkt,
        session_id=live.id,
        now=now,
    )
    return answers.code(asked.way, issued)
