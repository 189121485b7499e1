"""The second page: the code that was texted."""

from flask import Response, request

from auth import customers
from auth.authorizing import requests
from auth.authorizing.api import browsers
from auth.authorizing.api.pages import layout
from auth.authorizing.api.pages.routes import HTML, At, at_customers, blueprint, settings
from auth.authorizing.errors import SignInOver
from auth.errors import OAuthRefusal
from auth.models import ACTIVE
from auth.native import channels, otp
from auth.proofs import ONE_FACTOR, Owner, Proved
from core import clock
from core.db import transaction


@blueprint.get("/sign-in/code")
@blueprint.response(200, **HTML)
@blueprint.alt_response(410, description="The sign-in is over, or another browser's")
def show_code() -> Response:
    """The page that asks for the code that was texted."""
    with transaction() as session:
        here = at_customers(session, now=clock.now())
    if "sent" not in here.stored.progress:
        raise SignInOver
    return page(here)


@blueprint.post("/sign-in/code")
@blueprint.response(303, description="On to where the browser came from, or to a page that asks for consent")
@blueprint.alt_response(400, description="The code is wrong, or over: the page says so")
@blueprint.alt_response(403, description="The account is suspended, or about to be deleted")
@blueprint.alt_response(410, description="The sign-in is over, or another browser's")
def sign_in_with_code() -> Response:
    """Sign in with the code of the form. The first right one signs a new number up."""
    now = clock.now()
    with transaction() as session:
        here = at_customers(session, now=now, lock=True)
        handle = here.stored.progress.get("sent")
        if handle is None:
            raise SignInOver
        proved = otp.prove(
            session,
            handle=handle,
            purpose=otp.WEB,
            otp="".join(request.form.get("code", "").split())[:20],
            address=request.remote_addr or "",
            settings=settings(),
            now=now,
        )
        if isinstance(proved, OAuthRefusal):
            return _wrong(here, proved)
        customer = customers.sign_up(session, phone=proved.phone, locale=proved.locale, time_zone=None, now=now)
        if customer.status != ACTIVE:
            requests.use(session, here.stored, now=now)
            return layout.message(
                "You cannot sign in", "Your account is suspended, or about to be deleted.", status=403
            )
        owner = Owner(customer_id=customer.id)
        amr = ("otp", "sms") if proved.row.channel == channels.SMS else ("otp",)
        told = Proved(owner=owner, auth_time=now, acr=ONE_FACTOR, amr=amr)
        return browsers.see_other(browsers.sign_in(session, told, request_handle=here.handle, now=now))


@blueprint.post("/sign-in/code/again")
@blueprint.response(303, description="Back to the page that asks for the code")
@blueprint.alt_response(410, description="The sign-in is over, or another browser's")
@blueprint.alt_response(429, description="A code was sent just now, or too many were: the page says so")
def send_code_again() -> Response:
    """Text another code; the one before works no more."""
    with transaction() as session:
        here = at_customers(session, now=clock.now(), lock=True)
        if "sent" not in here.stored.progress:
            raise SignInOver
        sent = otp.resend(
            session,
            handle=here.stored.progress["sent"],
            purpose=otp.WEB,
            address=request.remote_addr or "",
            settings=settings(),
            now=clock.now(),
        )
    if isinstance(sent, OAuthRefusal):
        return page(here, trouble=f"{sent.description}.", status=sent.status)
    return browsers.see_other(browsers.path_of("/sign-in/code", here.handle))


def page(here: At, *, error: str = "", trouble: str = "", status: int = 200) -> Response:
    way = "Sent by WhatsApp" if here.stored.progress["channel"] == channels.WHATSAPP else "Texted"
    code = layout.field(
        "code",
        "Code",
        autocomplete="one-time-code",
        inputmode="numeric",
        hint=f"{way} to the number that ends in {here.stored.progress['tail']}. It works for five minutes.",
        error=error,
        most=20,
    )
    named = layout.hidden("r", here.handle)
    return layout.page(
        "Enter your code",
        *([layout.problem(trouble)] if trouble else []),
        layout.form([named, code], button="Sign in", action="/sign-in/code"),
        layout.form([named], button="Send another code", action="/sign-in/code/again", is_quiet=True),
        status=status,
        form_action=layout.ANYWHERE,
    )


def _wrong(here: At, refusal: OAuthRefusal) -> Response:
    left = refusal.extra.get("tries_left")
    if left is None:
        return layout.page(
            "This code works no more",
            layout.paragraph("It was tried too often, or is too old."),
            layout.link("Begin again with your phone number", browsers.path_of("/sign-in", here.handle)),
            status=400,
        )
    tries = "one try left" if left == 1 else f"{left} tries left"
    return page(here, error=f"That code is wrong: {tries}.", status=400)
