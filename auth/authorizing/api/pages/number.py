"""The first page: a phone number, or a passkey where the browser knows how."""

import json

from flask import Response, request
from sqlalchemy.orm import Session

from auth import phones
from auth.authorizing import requests
from auth.authorizing.api import browsers
from auth.authorizing.api.pages import layout, passkey_form
from auth.authorizing.api.pages.routes import HTML, At, at_customers, blueprint, settings, whom
from auth.errors import OAuthRefusal, PhoneInvalid
from auth.native import channels, otp
from auth.oauth.api import wire
from core import clock
from core.db import transaction


@blueprint.get("/sign-in")
@blueprint.response(200, **HTML)
@blueprint.alt_response(410, description="The sign-in is over, or another browser's")
def show_number() -> Response:
    """The page that asks for a phone number. A client's /oauth/authorize leads here."""
    with transaction() as session:
        return page(session, at_customers(session, now=clock.now(), lock=True))


@blueprint.post("/sign-in")
@blueprint.response(303, description="On to the page that asks for the code")
@blueprint.alt_response(400, description="No phone number, or no code can be sent to it: the page says why")
@blueprint.alt_response(410, description="The sign-in is over, or another browser's")
@blueprint.alt_response(429, description="Too many codes were asked for: the page says so")
def send_code() -> Response:
    """Text a code to the number of the form."""
    with transaction() as session:
        here, given = at_customers(session, now=clock.now(), lock=True), request.form.get("phone", "")
        try:
            phone = phones.normalised("".join(given.split()))
        except PhoneInvalid:
            return page(session, here, given=given, error="Write it with + and the country code: +12125550142")
        sent = otp.begin(
            session,
            purpose=otp.WEB,
            phone=phone,
            client_id=here.client.client_id,
            address=request.remote_addr or "",
            settings=settings(),
            channel=request.form.get("channel"),
            locale=wire.locale_of(dict(here.stored.parameters)),
            now=clock.now(),
        )
        if isinstance(sent, OAuthRefusal):
            return page(session, here, given=given, error=sent.description, status=sent.status)
        requests.note(session, here.stored, sent=sent.handle, channel=sent.channel, tail=phone[-4:])
    return browsers.see_other(browsers.path_of("/sign-in/code", here.handle))


def page(
    session: Session, here: At, *, given: str | None = None, error: str = "", status: int = 400, trouble: str = ""
) -> Response:
    """error: what is wrong with the number; trouble: with the passkey"""
    hint = here.asked.login_hint if here.asked is not None else ""
    shown = given if given is not None else hint if hint.startswith("+") else ""
    phone = layout.field(
        "phone",
        "Phone number",
        kind="tel",
        autocomplete="tel",
        inputmode="tel",
        value=shown[:40],
        hint="We text you a code.",
        error=error,
        most=40,
    )
    named = layout.hidden("r", here.handle)
    has_whatsapp = channels.usable(channels.WHATSAPP, settings()) == channels.WHATSAPP
    other = ("channel", channels.WHATSAPP, "Send it by WhatsApp") if has_whatsapp else None
    form = layout.form([named, phone], button="Send me a code", action="/sign-in", other=other)
    told = [layout.problem(trouble)] if trouble else []
    return layout.page(
        whom(here.client),
        *told,
        form,
        passkey_form.form(named, json.dumps(passkey_form.begin(session, here)), action="/sign-in/passkey"),
        status=status if error or trouble else 200,
        form_action=layout.ANYWHERE,
        script=passkey_form.SCRIPT,
    )
