"""Joining: the page that an invitation's link opens, where a passkey is made or an authenticator set up."""

import json
from collections.abc import Sequence
from uuid import UUID

from flask import Response, request
from markupsafe import Markup
from sqlalchemy.orm import Session

from auth.authorizing.api.pages import layout
from auth.authorizing.api.pages.routes import HTML, check_origin, settings
from auth.passkeys.errors import PasskeyRefused, PasskeysFull, PasskeyTaken
from auth.staff import joining, totp
from auth.staff.api.pages import routes
from auth.staff.api.pages.routes import blueprint
from auth.staff.errors import InvitationOver
from auth.staff.invitations import path_of
from core import clock
from core.db import transaction
from core.web.pictures import qr_svg

_OVER = "The invitation works no more: the page says so"


@blueprint.errorhandler(InvitationOver)
def say_it_is_over(_: InvitationOver) -> Response:
    return layout.message(
        "This invitation works no more",
        "It was used, replaced by another one, or is too old. Ask who invited you for another one.",
        status=410,
    )


@blueprint.get("/staff/join/<string(maxlength=100):token>")
@blueprint.response(200, **HTML)
@blueprint.alt_response(410, description=_OVER)
def show_invitation(token: str) -> Response:
    """The page on which who was invited makes a passkey or sets an authenticator up."""
    with transaction() as session:
        return _first_page(session, token)


@blueprint.post("/staff/join/<string(maxlength=100):token>/passkey")
@blueprint.response(200, **HTML)
@blueprint.alt_response(400, description="The passkey does not work here: the page says so")
@blueprint.alt_response(410, description=_OVER)
def join_with_passkey(token: str) -> Response:
    """Join with the passkey that the browser's dialogue made; shows the recovery codes."""
    check_origin()
    try:
        ceremony_id = UUID(request.form.get("ceremony", ""))
        with transaction() as session:
            codes = joining.by_passkey(session, token, ceremony_id, routes.credential(), now=clock.now())
    except (ValueError, PasskeyRefused, PasskeyTaken, PasskeysFull):
        with transaction() as session:
            return _first_page(session, token, trouble="That passkey does not work here. Try again.")
    return _last_page(codes)


@blueprint.post("/staff/join/<string(maxlength=100):token>/authenticator")
@blueprint.response(200, **HTML)
@blueprint.alt_response(410, description=_OVER)
def offer_authenticator(token: str) -> Response:
    """Show what an authenticator scans, and ask for its first code."""
    check_origin()
    with transaction() as session:
        return _authenticator_page(session, token)


@blueprint.post("/staff/join/<string(maxlength=100):token>/authenticator/proof")
@blueprint.response(200, **HTML)
@blueprint.alt_response(400, description="The code is wrong: the page says so")
@blueprint.alt_response(410, description=_OVER)
def join_with_authenticator(token: str) -> Response:
    """Join with the authenticator that shows this code; shows the recovery codes."""
    check_origin()
    with transaction() as session:
        codes = joining.by_totp(session, token, routes.typed("shown"), now=clock.now())
        if codes is None:
            return _authenticator_page(session, token, error="That code is wrong: type the one that is shown just now.")
    return _last_page(codes)


def _first_page(session: Session, token: str, *, trouble: str = "") -> Response:
    now = clock.now()
    invited = joining.look(session, token, now=now)
    try:
        ceremony_id, options = joining.begin_passkey(session, token, now=now)
    except PasskeysFull:
        making, script = Markup(), None
    else:
        making, script = _making(token, ceremony_id, json.dumps(options)), _SCRIPT
    title = f"Join {settings().brand_name}'s staff" if invited.is_new else "Make another passkey or authenticator"
    return layout.page(
        title,
        layout.paragraph(f"You sign in as {invited.email}."),
        *([layout.problem(trouble)] if trouble else []),
        making,
        layout.form([], button="Use an authenticator app", action=f"{path_of(token)}/authenticator", is_quiet=True),
        layout.paragraph("A passkey is the safer way: nobody can talk you out of it."),
        status=400 if trouble else 200,
        script=script,
    )


def _authenticator_page(session: Session, token: str, *, error: str = "") -> Response:
    invited = joining.look(session, token, now=clock.now())
    secret = joining.begin_totp(session, token, now=clock.now())
    address = totp.uri(secret, issuer=settings().brand_name, account=invited.email)
    shown = layout.field("shown", "The code that it shows", inputmode="numeric", error=error, most=20)
    return layout.page(
        "Scan this with your authenticator",
        qr_svg(address, label="QR code for your authenticator"),
        layout.paragraph(f"Or type this key: {totp.spelled(secret)}"),
        layout.form([shown], button="Join", action=f"{path_of(token)}/authenticator/proof"),
        status=400 if error else 200,
    )


def _last_page(codes: Sequence[str]) -> Response:
    return layout.page(
        "Keep your recovery codes",
        layout.paragraph("Each lets you in once if you lose what you sign in with. They are not shown again."),
        layout.items(codes),
        layout.paragraph("That is all: you can sign in now."),
    )


def _making(token: str, ceremony_id: UUID, options: str) -> Markup:
    """A button that only a browser shows which has scripts and knows passkeys."""
    return Markup(
        '<form method="post" id="passkey" action="{}/passkey" data-options="{}" hidden>\n{}\n'
        '<input type="hidden" name="credential">\n'
        '<p class="problem" role="alert" hidden></p>\n<p><button>Make a passkey</button></p>\n</form>'
    ).format(path_of(token), options, layout.hidden("ceremony", str(ceremony_id)))


_SCRIPT = """
(() => {
  const form = document.getElementById("passkey");
  const problem = form.querySelector(".problem");
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseCreationOptionsFromJSON) return;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(form.dataset.options));
      const made = await navigator.credentials.create({ publicKey });
      form.elements.credential.value = JSON.stringify(made.toJSON());
      form.submit();
    } catch {
      problem.textContent = "No passkey was made. Try again, or use an authenticator app.";
      problem.hidden = false;
    }
  });
})();
"""
