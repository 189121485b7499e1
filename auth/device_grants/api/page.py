"""/device: where a customer types the code that a device shows, and says whether it is theirs."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from auth.authorizing.api import browsers
from auth.authorizing.api.pages import layout
from auth.authorizing.api.pages.routes import HTML, check_origin, show_when_over
from auth.device_grants import deciding, user_codes
from auth.device_grants.deciding import Wrong
from auth.device_grants.models import DeviceGrant
from auth.oauth import clients
from auth.sessions import Live
from core import clock
from core.db import transaction

blueprint = Blueprint("device_page", __name__, description="Letting a device in by its code")
show_when_over(blueprint)

_FIELD = "user_code"
_LET_IN = ("The device is signed in", "You can close this page. The app lists the device among your sessions.")
_NOT_LET_IN = ("The device was not let in", "You can close this page.")


@blueprint.get("/device")
@blueprint.response(200, **HTML)
@blueprint.alt_response(303, description="Sign in first")
@blueprint.alt_response(422, description="No device shows this code")
@blueprint.alt_response(429, description="Too many wrong codes")
def show_device() -> Response:
    """The page that asks for a device's code, and then whether the device is yours."""
    typed = request.args.get(_FIELD, "")
    return _answered(typed, answer=None)


@blueprint.post("/device")
@blueprint.response(200, **HTML)
@blueprint.alt_response(303, description="Sign in first")
@blueprint.alt_response(410, description="Another site sent the form")
@blueprint.alt_response(422, description="No device shows this code")
@blueprint.alt_response(429, description="Too many wrong codes")
def answer_device() -> Response:
    """Look a device up by its code, let it in, or do not."""
    check_origin()
    return _answered(request.form.get(_FIELD, ""), answer=request.form.get("answer"))


def _answered(typed: str, *, answer: str | None) -> Response:
    now, typed = clock.now(), typed[:40]
    live = browsers.current(now)
    if live is None:
        return browsers.ask_to_sign_in(f"/device?{urlencode({_FIELD: typed})}" if typed else "/device", now=now)
    if not typed:
        return _ask_for_code()
    with transaction() as session:
        found = _waiting(session, typed, live, now)
        if isinstance(found, Wrong):
            return _wrong(found)  # which commits: the try is counted
        if answer is None:
            return _ask_whether(found, typed, now)
        decide = deciding.approve if answer == "yes" else deciding.deny
        decide(session, found, live, now=now)
    return layout.message(*(_LET_IN if answer == "yes" else _NOT_LET_IN))


def _waiting(session: Session, typed: str, live: Live, now: datetime) -> DeviceGrant | Wrong:
    """What a customer may decide on: a till is none of theirs."""
    found = deciding.waiting(
        session, user_code=typed, who=live.proved.owner.name, address=request.remote_addr or "", now=now
    )
    if isinstance(found, DeviceGrant):
        client = clients.find(found.client_id)
        if client is None or client.kind != clients.APP or not client.is_active:
            return Wrong()
    return found


def _ask_for_code(error: str = "", status: int = 200) -> Response:
    code = layout.field(_FIELD, "Code", hint="As the device shows it: WDJB-MJHT", error=error, most=20)
    return layout.page("Let a device in", layout.form([code], button="Next", action="/device"), status=status)


def _ask_whether(grant: DeviceGrant, typed: str, now: datetime) -> Response:
    client = clients.find(grant.client_id)
    assert client is not None
    code = user_codes.shown(user_codes.normalised(typed) or "")
    named, since = layout.hidden(_FIELD, code), _ago(now - grant.created_at)
    return layout.page(
        f"Let {client.name} in?",
        layout.paragraph(f"A device that shows {code} asked {since} to be signed in as you."),
        layout.paragraph("Say yes only if it stands before you and shows this very code."),
        layout.paragraph("Nobody who calls or writes to you needs it."),
        layout.form([named], button="Let it in", name="answer", value="yes", action="/device"),
        layout.form([named], button="No", name="answer", value="no", action="/device", is_quiet=True),
    )


def _wrong(wrong: Wrong) -> Response:
    if wrong.wait_seconds is None:
        return _ask_for_code("No device shows this code (any more). Have it show another one.", 422)
    answer = layout.message("Too many wrong codes", "Try again later.", 429)
    answer.headers["Retry-After"] = str(wrong.wait_seconds)
    return answer


def _ago(age: timedelta) -> str:
    minutes, seconds = divmod(int(age.total_seconds()), 60)
    return f"{minutes} min ago" if minutes else f"{seconds} s ago"
