"""Signing in as staff. The authorization endpoint leads here for the staff's own client."""

import json
from uuid import UUID

from flask import Response, request
from markupsafe import Markup
from sqlalchemy.orm import Session

from auth.authorizing import requests
from auth.authorizing.api import browsers
from auth.authorizing.api.pages import layout, passkey_form
from auth.authorizing.api.pages.routes import HTML, At, settings
from auth.authorizing.errors import SignInOver
from auth.passkeys import asserting, ceremonies
from auth.proofs import PHISHING_RESISTANT, Proved
from auth.staff import signing_in
from auth.staff.api.pages import routes
from auth.staff.api.pages.routes import blueprint
from auth.staff.signing_in import Wait, Wrong
from core import clock
from core.db import transaction

_SCRIPT = passkey_form.SCRIPT.replace("use your phone number", "have a code mailed")
_OVER = "The sign-in is over, or another browser's"


@blueprint.get("/staff/sign-in")
@blueprint.response(200, **HTML)
@blueprint.alt_response(410, description=_OVER)
def show_staff_sign_in() -> Response:
    """The page that asks staff for a passkey, or for their e-mail address."""
    with transaction() as session:
        return _first_page(session, routes.at_staff(session, lock=True))


@blueprint.post("/staff/sign-in/passkey")
@blueprint.response(303, description="On to where the browser came from")
@blueprint.alt_response(400, description="The passkey does not work here: the page says so")
@blueprint.alt_response(410, description=_OVER)
def sign_staff_in_with_passkey() -> Response:
    """Sign a person in with the passkey that the browser's dialogue gave."""
    now = clock.now()
    with transaction() as session:
        here = routes.at_staff(session, lock=True)
        asserted = _asserted(session, here)
        person = signing_in.active(session, asserted.owner.staff_id) if asserted else None
        if asserted is None or person is None:
            return _first_page(session, here, trouble="That passkey does not work here. Try again.")
        proved = signing_in.signed_in(session, person, acr=PHISHING_RESISTANT, amr=asserted.amr, now=now)
        return _done(session, here, proved)


@blueprint.post("/staff/sign-in")
@blueprint.response(303, description="On to the page that asks for the codes")
@blueprint.alt_response(410, description=_OVER)
@blueprint.alt_response(429, description="Too many codes were asked for: the page says so")
def mail_staff_code() -> Response:
    """Mail a code to the address of the form, if it is that of somebody who has joined."""
    now = clock.now()
    with transaction() as session:
        here = routes.at_staff(session, lock=True)
        sent = signing_in.begin(
            session,
            routes.typed("email", most=254),
            address=request.remote_addr,
            brand_name=settings().brand_name,
            now=now,
        )
        if isinstance(sent, Wait):
            return routes.wait(sent.seconds)
        requests.note(session, here.stored, staff=sent)
    return browsers.see_other(browsers.path_of("/staff/sign-in/codes", here.handle))


@blueprint.get("/staff/sign-in/codes")
@blueprint.response(200, **HTML)
@blueprint.alt_response(410, description=_OVER)
def show_staff_codes() -> Response:
    """The page that asks for the mailed code and the authenticator's, or a recovery code."""
    with transaction() as session:
        here = routes.at_staff(session)
    _handle_of(here)
    return _codes_page(here)


@blueprint.post("/staff/sign-in/codes")
@blueprint.response(303, description="On to where the browser came from")
@blueprint.alt_response(400, description="One of the codes is wrong, or over: the page says so")
@blueprint.alt_response(410, description=_OVER)
@blueprint.alt_response(429, description="Too many wrong codes: the page says so")
def sign_staff_in_with_codes() -> Response:
    """Sign a person in with the mailed code and the authenticator's."""
    now = clock.now()
    with transaction() as session:
        here = routes.at_staff(session, lock=True)
        mailed, shown = routes.typed("mailed"), routes.typed("shown")
        proved = signing_in.by_codes(session, _handle_of(here), mailed=mailed, shown=shown, now=now)
        if isinstance(proved, Proved):
            return _done(session, here, proved)
    return _not_yet(here, proved)


@blueprint.post("/staff/sign-in/recovery")
@blueprint.response(303, description="On to the page on which another passkey or authenticator is made")
@blueprint.alt_response(400, description="One of the codes is wrong, or over: the page says so")
@blueprint.alt_response(410, description=_OVER)
@blueprint.alt_response(429, description="Too many wrong codes: the page says so")
def recover_staff() -> Response:
    """Let who holds a recovery code make another passkey or authenticator, and do nothing else."""
    now = clock.now()
    with transaction() as session:
        here = routes.at_staff(session, lock=True)
        mailed, code = routes.typed("mailed"), routes.typed("recovery")
        path = signing_in.by_recovery_code(session, _handle_of(here), mailed=mailed, code=code, now=now)
        if isinstance(path, str):
            requests.use(session, here.stored, now=now)
            return browsers.see_other(path)
    return _not_yet(here, path)


def _first_page(session: Session, here: At, *, trouble: str = "") -> Response:
    named = layout.hidden("r", here.handle)
    email = layout.field(
        "email",
        "E-mail address",
        kind="email",
        autocomplete="username",
        inputmode="email",
        hint="We mail you a code, which you use together with your authenticator.",
        most=254,
    )
    ceremony = ceremonies.begin(session, purpose=ceremonies.STAFF, now=clock.now())
    requests.note(session, here.stored, ceremony=str(ceremony.id))
    options = asserting.options(ceremony.challenge, passkeys=None)
    return layout.page(
        "Sign in as staff",
        *([layout.problem(trouble)] if trouble else []),
        passkey_form.form(named, json.dumps(options), action="/staff/sign-in/passkey"),
        layout.form([named, email], button="Mail me a code", action="/staff/sign-in"),
        status=400 if trouble else 200,
        form_action=layout.ANYWHERE,
        script=_SCRIPT,
    )


def _codes_page(here: At, *, error: str = "") -> Response:
    named = layout.hidden("r", here.handle)
    shown = layout.field("shown", "Authenticator's code", autocomplete="off", inputmode="numeric", most=20)
    recovery = layout.field(
        "recovery", "Recovery code", hint="It lets you make another passkey or authenticator.", most=40
    )
    lost = layout.form([named, _mailed(), recovery], button="Recover", action="/staff/sign-in/recovery", is_quiet=True)
    return layout.page(
        "Enter your codes",
        *([layout.problem(error)] if error else []),
        layout.form([named, _mailed(), shown], button="Sign in", action="/staff/sign-in/codes"),
        Markup("<details>\n<summary>I have lost my authenticator</summary>\n{}\n</details>").format(lost),
        status=400 if error else 200,
        form_action=layout.ANYWHERE,
    )


def _mailed() -> Markup:
    return layout.field(
        "mailed",
        "Mailed code",
        autocomplete="one-time-code",
        inputmode="numeric",
        hint="It comes if the address is that of somebody who has joined, and works for ten minutes.",
        most=20,
    )


def _not_yet(here: At, said: Wrong | Wait) -> Response:
    if isinstance(said, Wait):
        return routes.wait(said.seconds)
    if said.tries_left == 0:
        return layout.page(
            "These codes work no more",
            layout.paragraph("They were tried too often, or are too old."),
            layout.link("Begin again", browsers.path_of("/staff/sign-in", here.handle)),
            status=400,
        )
    tries = "one try left" if said.tries_left == 1 else f"{said.tries_left} tries left"
    return _codes_page(here, error=f"One of the two codes is wrong: {tries}.")


def _done(session: Session, here: At, proved: Proved) -> Response:
    return browsers.see_other(browsers.sign_in(session, proved, request_handle=here.handle, now=clock.now()))


def _handle_of(here: At) -> str:
    """raises  SignInOver where no code was mailed for this sign-in"""
    handle = here.stored.progress.get("staff")
    if not isinstance(handle, str):
        raise SignInOver
    return handle


def _asserted(session: Session, here: At) -> asserting.Asserted | None:
    now, noted = clock.now(), here.stored.progress.get("ceremony")
    challenge = ceremonies.take(session, UUID(noted), purpose=ceremonies.STAFF, now=now) if noted else None
    if challenge is None:
        return None
    return asserting.check(session, routes.credential(), challenge=challenge, owner=None, now=now)
