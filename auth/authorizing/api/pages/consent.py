"""Asking whether a partner may have what it asks for."""

from flask import Response, request

from auth import customers
from auth.authorizing import consents, requests
from auth.authorizing.api import answers, browsers
from auth.authorizing.api.pages import layout
from auth.authorizing.api.pages.routes import HTML, At, at, blueprint
from auth.authorizing.deciding import Asked
from auth.authorizing.errors import SignInOver
from auth.errors import OAuthRefusal
from auth.oauth import scopes
from core import clock
from core.db import transaction

#: What each scope lets a partner have, in words for whoever lets them.
WORDS = {
    scopes.OPENID: "Know you again when you come back",
    scopes.PROFILE: "Know your language, time zone and birthday",
    scopes.PHONE: "Know your phone number",
    scopes.EMAIL: "Know your e-mail address",
    scopes.OFFLINE: "Keep this while you are away",
}


@blueprint.get("/sign-in/consent")
@blueprint.response(200, **HTML)
@blueprint.alt_response(410, description="The sign-in is over, or another browser's")
def show_consent() -> Response:
    """The page that asks whether a partner may have what it asks for."""
    now = clock.now()
    with transaction() as session:
        here = at(session, now=now)
        asked, live = _partner(here), browsers.living(session, here.client, now=now)
        if live is None or live.proved.owner.customer_id is None:
            return browsers.see_other(browsers.sign_in_page(here.client, here.handle))
        tail = customers.phone_of(session, live.proved.owner.customer_id)[-4:]

    named = layout.hidden("r", here.handle)
    wanted = [WORDS.get(name, name) for name in asked.scope.split()] or ["Know that you signed in"]
    return layout.page(
        f"Let {here.client.name} in?",
        layout.paragraph(f"You are signed in with the number that ends in {tail}. {here.client.name} wants to:"),
        layout.items(wanted),
        layout.form([named], button="Let them in", name="answer", value="yes", action="/sign-in/consent"),
        layout.form([named], button="No", name="answer", value="no", action="/sign-in/consent", is_quiet=True),
        layout.link("This is not my number", browsers.path_of("/sign-in", here.handle)),
        form_action=layout.ANYWHERE,
    )


@blueprint.post("/sign-in/consent")
@blueprint.response(303, description="On to the partner")
@blueprint.alt_response(410, description="The sign-in is over, or another browser's")
def answer_consent() -> Response:
    """Let the partner in, or not."""
    now = clock.now()
    with transaction() as session:
        here = at(session, now=now, lock=True)
        asked, live = _partner(here), browsers.living(session, here.client, now=now)
        if request.form.get("answer") != "yes":
            requests.use(session, here.stored, now=now)
            return answers.refusal(asked.way, OAuthRefusal("access_denied", "The customer said no"))
        customer_id = live.proved.owner.customer_id if live is not None else None
        if customer_id is None:
            return browsers.see_other(browsers.sign_in_page(here.client, here.handle))
        consents.let_in(session, customer_id, here.client.client_id, asked.scope, now=now)
        requests.consent(session, here.stored, now=now)
        return browsers.see_other(browsers.path_of("/sign-in/next", here.handle))


def _partner(here: At) -> Asked:
    """raises  SignInOver where nobody has to be asked"""
    if here.asked is None or here.client.is_first_party:
        raise SignInOver
    return here.asked
